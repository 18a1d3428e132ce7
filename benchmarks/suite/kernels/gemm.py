"""Matrix products in every format, against the peak, OpenBLAS, ONNX Runtime and JAX."""

from kernels.sides import THREADS, compare, openblas, ours, paired, peak, python, rate

ODD = [(1000, 1000, 1000), (1437, 1437, 4096), (2048, 64, 2048)]


def measure(table, program):
    f32(table, program)
    f64(table, program)
    integers(table, program)
    bf16(table, program)


def sizes(table, *all_):
    return [n for n in all_ if not table.quick or n <= 2048]


def f32(table, program):
    """The best of free order; reproducible order beside it, against the faster of OpenBLAS and oneDNN in free order."""
    for m, n, k in [(n, n, n) for n in sizes(table, 512, 1024, 2048, 4096)] + ODD:
        name = f"n={n}" if m == n == k else f"{m}x{n}x{k}"
        inputs, work = [f"a=f32:{m},{k}", f"b=f32:{k},{n}"], 2 * m * n * k
        sides = {
            "free": ours(program, "gemm", inputs, {"arithmetic": "free"}), "reproducible": ours(program, "gemm", inputs),
            "onednn": ours(program, "gemm", inputs, {"arithmetic": "free"}, "onednn"), "peak": peak("f32"), "blas": openblas("f32", m, n, k),
            "ort": python("onnx_peer.py", THREADS, "gemm", m, n, k), "jax": python("jax_peer.py", "gemm", "f32", m, n, k),
        }
        times, ready = compare(table, sides)
        speed = rate(work, times["free"])
        device = ready["free"]["ready"]
        if "peak" in times:
            top = [ready["peak"]["operations"] / time / 1e9 for time in times["peak"]]
            share = paired([work / time / 1e9 for time in times["free"]], top)
            table.add(f"F32 gemm {name}, free", "GFLOP/s", speed, peer=sorted(top)[len(top) // 2], peer_name="FMA peak", ratio=share, at_least=0.90,
                      of="ratio", note=device)
        against(table, f"F32 gemm {name}, free", speed, work, times, "free", "blas", ready, 0.98)
        against(table, f"F32 gemm {name}, free", speed, work, times, "free", "ort", ready, 1.05)
        against(table, f"F32 gemm {name}, free", speed, work, times, "free", "jax", ready, 1.05)
        library = min((key for key in ("blas", "onednn") if key in times), key=lambda key: sorted(times[key])[len(times[key]) // 2])
        against(table, f"F32 gemm {name}, reproducible", rate(work, times["reproducible"]), work, times, "reproducible", library, ready, 0.98,
                ready["reproducible"]["ready"])


def f64(table, program):
    for n in sizes(table, 1024, 2048, 4096):
        inputs, work = [f"a=f64:{n},{n}", f"b=f64:{n},{n}"], 2 * n**3
        times, ready = compare(table, {
            "free": ours(program, "gemm", inputs, {"arithmetic": "free"}), "reproducible": ours(program, "gemm", inputs), "blas": openblas("f64", n, n, n),
        })
        for key in ("free", "reproducible"):
            against(table, f"F64 gemm n={n}, {key}", rate(work, times[key]), work, times, key, "blas", ready, 1.0, ready[key]["ready"])


def integers(table, program):
    for n in sizes(table, 1024, 2048, 4096):
        low(table, program, "I8", n, {}, "VNNI peak", 2.5)


def bf16(table, program):
    for n in sizes(table, 1024, 2048, 4096):
        low(table, program, "BF16", n, {}, "BF16 peak", 1.0)


def low(table, program, dtype, n, params, peak_name, jax_goal):
    kind, work = dtype.lower(), 2 * n**3
    times, ready = compare(table, {
        "ours": ours(program, "gemm", [f"a={kind}:{n},{n}", f"b={kind}:{n},{n}"], params), "peak": peak(kind),
        "jax": python("jax_peer.py", "gemm", kind, n, n, n),
    })
    speed = rate(work, times["ours"])
    if "peak" in times:
        top = [ready["peak"]["operations"] / time / 1e9 for time in times["peak"]]
        table.add(f"{dtype} gemm n={n}", "Gop/s", speed, peer=sorted(top)[len(top) // 2], peer_name=peak_name,
                  ratio=paired([work / time / 1e9 for time in times["ours"]], top), at_least=0.90, of="ratio", note=ready["ours"]["ready"])
    against(table, f"{dtype} gemm n={n}", speed, work, times, "ours", "jax", ready, jax_goal)


def against(table, name, speed, work, times, key, peer, ready, goal, note=""):
    table.add(name, "Gop/s" if name.startswith("I8") else "GFLOP/s", speed, peer=rate(work, times[peer]), peer_name=short(ready[peer]["ready"]),
              ratio=paired(times[peer], times[key]), at_least=goal, of="ratio", note=note)


def short(ready):
    return ready.split(",")[0] if not ready.startswith("cpu") else " ".join(ready.split()[1:2])
