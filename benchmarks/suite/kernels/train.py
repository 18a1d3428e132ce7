"""A training step at batch 128 against JAX: forward, backward, SGD with momentum on softmax cross-entropy.

Ours is reproducible to the bit; the protocol checks training by repeating it, so there is no free arithmetic to sell. Against the goal
of the free one the same figure stands.
"""

from kernels.sides import compare, median, ours, paired, python

BATCH, STEPS, EXAMPLES = 128, 20, 2048


def measure(table, program):
    for sizes in ([64, 64, 10], [784, 512, 10]):
        params = {"sizes": sizes[1:], "activations": ["relu"] * (len(sizes) - 2) + ["softmax"], "loss": "cross_entropy", "optimiser": "sgd",
                  "rate": "0.01", "momentum": "0.9", "seed": "00" * 32, "steps": STEPS, "batch": BATCH, "segments": 1}
        sides = {"ours": ours(program, "mlp.train", [f"x=f32:{EXAMPLES},{sizes[0]}", f"labels=i32:{EXAMPLES}:{sizes[-1]}"], params),
                    "jax": python("jax_peer.py", "train", BATCH, *sizes)}
        times, ready = compare(table, sides)
        name = "-".join(str(size) for size in sizes)
        for goal, note in [(0.8, ready["ours"]["ready"]), (1.0, "the goal of free arithmetic, by the reproducible one")]:
            table.add(f"mlp training step {name}", "µs", median(times["ours"]) / STEPS * 1e6, peer=median(times["jax"]) / STEPS * 1e6,
                      peer_name=ready["jax"]["ready"].split(",")[0], ratio=paired(times["jax"], times["ours"]), at_least=goal, of="ratio", note=note)
