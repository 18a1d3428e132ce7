"""Many small products: one to a core, against OpenBLAS in a loop and NumPy's batched product."""

from kernels.sides import compare, median, openblas, ours, paired, python, rate

BATCH = 10_000


def measure(table, program):
    for n in (16, 32):
        work = 2 * BATCH * n**3
        sides = {"ours": ours(program, "gemm", [f"a=f32:{BATCH},{n},{n}", f"b=f32:{BATCH},{n},{n}"]), "blas": openblas("f32", n, n, n, BATCH),
                    "numpy": python("numpy_gemm.py", n, BATCH)}
        times, ready = compare(table, sides)
        for peer, goal, note in [("blas", 1.5, "a loop of calls"), ("numpy", 2.0, "")]:
            table.add(f"batched F32 gemm, {BATCH:,} of n={n}", "GFLOP/s", rate(work, times["ours"]), peer=rate(work, times[peer]),
                      peer_name=ready[peer]["ready"], ratio=paired(times[peer], times["ours"]), at_least=goal, of="ratio",
                      note=note or f"{ready['ours']['ready']}; {12 * BATCH * n * n / median(times['ours']) / 1e9:.1f} GB/s of inputs and outputs")
