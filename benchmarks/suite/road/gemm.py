"""The kernel alone against OpenBLAS and NumPy, and the check against the kernel."""

import os
import sys

import build
from paced import Paced, interleave, median, paired

N = 2048
FLOPS = 2 * N**3
CORE_TYPES = ["Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"]


def flags() -> set:
    with open("/proc/cpuinfo") as file:
        return next((set(line.split()) for line in file if line.startswith("flags")), set())


def best_core_type(threads: int, rounds: int) -> tuple:
    """The core type that is fastest here, by trying each that the processor can run; None is the library's own choice."""
    peer = build.openblas_peer()
    wide = {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags()
    candidates = [None] + [name for name in CORE_TYPES if wide or name in ("Haswell", "Zen")]
    programs, seen = {}, set()
    for name in candidates:
        environment = {"OPENBLAS_CORETYPE": name} if name else {}
        try:
            program = Paced([peer, "f32", N, N, N, 1, threads], environment)
        except RuntimeError:
            continue
        if program.ready["ready"] in seen:
            program.close()
        else:
            seen.add(program.ready["ready"])
            programs[name] = program
    times = interleave({name or "unset": (program, "kernel") for name, program in programs.items()}, rounds, 300)
    speeds = {name: FLOPS / min(values) / 1e9 for name, values in times.items()}
    best = min(programs, key=lambda name: min(times[name or "unset"]))
    print("OpenBLAS core types, GFLOP/s: " + ", ".join(f"{programs[None if n == 'unset' else n].ready['ready']} {s:.0f}" for n, s in speeds.items()),
          file=sys.stderr)
    for name, program in programs.items():
        if name != best:
            program.close()
    return programs[best], programs[best].ready["ready"]


def measure(table, program):
    threads = len(os.sched_getaffinity(0))
    rounds, time = (5, 200) if table.quick else (25, 400)
    blas, blas_name = best_core_type(threads, 2 if table.quick else 5)
    numpy = Paced([sys.executable, build.ROOT / "benchmarks" / "peers" / "numpy_gemm.py", N])
    arguments = [program, "bench", "gemm", "--n", N, "--threads", threads, "--paced"]
    ours = Paced(arguments)
    crippled = Paced(arguments, {"OPENBLAS_CORETYPE": "Haswell"})
    times = interleave(
        {"ours": (ours, "kernel"), "blas": (blas, "kernel"), "haswell": (crippled, "kernel"), "numpy": (numpy, "kernel")}, rounds, time)
    rate = {name: FLOPS / median(values) / 1e9 for name, values in times.items()}
    rules = f"reproducible order against free order; {threads} threads each; medians of {rounds} rounds' best, ratios paired by round; ours on {ours.ready['ready']}"
    table.add("F32 gemm n=2048, environment clean", "GFLOP/s", rate["ours"], peer=rate["blas"], peer_name=blas_name,
              ratio=paired(times["blas"], times["ours"]), at_least=0.97, of="ratio", note=rules)
    table.add("F32 gemm n=2048, OPENBLAS_CORETYPE=Haswell", "GFLOP/s", rate["haswell"], peer=rate["blas"], peer_name=blas_name,
              ratio=paired(times["blas"], times["haswell"]), at_least=0.97, of="ratio", note="ours alone runs with the variable; the peer keeps its best")
    table.add("F32 gemm n=2048 against NumPy", "GFLOP/s", rate["ours"], peer=rate["numpy"], peer_name=numpy.ready["ready"],
              ratio=paired(times["numpy"], times["ours"]), at_least=1.0, of="ratio")
    for program_ in (blas, numpy, crippled):
        program_.close()

    integers = Paced(arguments + ["--dtype", "i8"])
    times = interleave(
        {"f32": (ours, "kernel"), "f32 check": (ours, "check"), "i8": (integers, "kernel"), "i8 check": (integers, "check")}, rounds, time)
    for name, title in [("f32", "reproducible F32"), ("i8", "I8")]:
        table.add(f"check / compute n=2048, {title}", "%", 100 * paired(times[name + " check"], times[name]), at_most=6,
                  note=f"kernel {median(times[name]) * 1e3:.1f} ms, check {median(times[name + ' check']) * 1e3:.2f} ms")
    ours.close()
    integers.close()
