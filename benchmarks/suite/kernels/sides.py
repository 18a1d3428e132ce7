"""The two sides of a figure: our kernels by `adit bench kernel`, and the peers."""

import json
import os
import sys

import build
from paced import Paced, interleave, median, paired

THREADS = len(os.sched_getaffinity(0))
PEERS = build.ROOT / "benchmarks" / "peers"
CORE_TYPES = ["Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"]


def flags() -> set:
    with open("/proc/cpuinfo") as file:
        return next((set(line.split()) for line in file if line.startswith("flags")), set())


def ours(program, kernel, inputs, params=None, backend=None):
    """Our kernel on the backend that a miner would choose, or on the named one."""
    words = [program, "bench", "kernel", kernel, "--params", json.dumps(params or {}), "--threads", THREADS, "--paced"]
    for text in inputs:
        words += ["--input", text]
    return Paced(words + (["--backend", backend] if backend else []))


def python(script, *words):
    return Paced([sys.executable, PEERS / script, *words])


def peak(kind):
    """The processor's peak, or None where it lacks the instruction."""
    try:
        return Paced([build.c_peer("peak", ["-pthread"]), kind, THREADS])
    except RuntimeError:
        return None


def openblas(dtype, m, n, k, batch=1):
    """OpenBLAS from C at the core type that is fastest here for this product, by trying each that the processor can run."""
    peer = build.openblas_peer()
    wide = {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags()
    programs = {}
    for name in [None] + [name for name in CORE_TYPES if wide or name in ("Haswell", "Zen")]:
        try:
            program = Paced([peer, dtype, m, n, k, batch, THREADS], {"OPENBLAS_CORETYPE": name} if name else {})
        except RuntimeError:
            continue
        if program.ready["ready"] in programs:
            program.close()
        else:
            programs[program.ready["ready"]] = program
    times = interleave({name: (program, "kernel") for name, program in programs.items()}, 3, 100)
    best = min(programs, key=lambda name: min(times[name]))
    for name, program in programs.items():
        if name != best:
            program.close()
    return programs[best]


def compare(table, programs, rounds=None, time=None):
    """Times by name of programs that take turns; they are closed afterwards."""
    rounds, time = rounds or (3 if table.quick else 7), time or (100 if table.quick else 200)
    there = {name: (program, "kernel") for name, program in programs.items() if program}
    times = interleave(there, rounds, time)
    for program, _ in there.values():
        program.close()
    return times


def rate(operations, times):
    return operations / median(times) / 1e9


__all__ = ["THREADS", "compare", "interleave", "median", "openblas", "ours", "paired", "peak", "python", "rate"]
