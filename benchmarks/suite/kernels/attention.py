"""Attention b=1 h=12 d=64, against ONNX Runtime's MultiHeadAttention and JAX."""

from kernels.sides import THREADS, compare, ours, paired, python, rate

HEADS, DEPTH = 12, 64


def measure(table, program):
    for s in (512, 1024) if table.quick else (512, 1024, 2048, 4096):
        work = 4 * HEADS * s * s * DEPTH
        shape = f"f32:1,{HEADS},{s},{DEPTH}"
        sides = {"ours": ours(program, "attention", [f"{name}={shape}" for name in "qkv"]),
                    "ort": python("onnx_peer.py", THREADS, "attention", HEADS, s, DEPTH), "jax": python("jax_peer.py", "attention", HEADS, s, DEPTH)}
        times, ready = compare(table, sides)
        for peer, goal in [("ort", 1.05), ("jax", 2.0)]:
            table.add(f"attention s={s}", "GFLOP/s", rate(work, times["ours"]), peer=rate(work, times[peer]), peer_name=ready[peer]["ready"],
                      ratio=paired(times[peer], times["ours"]), at_least=goal, of="ratio", note=ready["ours"]["ready"] if peer == "ort" else "")
