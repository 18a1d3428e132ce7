"""The two sides of a figure: our kernels by `adit bench kernel`, and the peers."""

import functools
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


# A side is a function that starts its process anew. How fast a product runs hangs by up to a tenth on where the system put the process's
# memory, for as long as the process lives: a figure is the median over several of them.
def side(start):
    @functools.wraps(start)
    def later(*arguments, **more):
        return lambda: start(*arguments, **more)
    return later


@side
def ours(program, kernel, inputs, params=None, backend=None):
    """Our kernel on the backend that a miner would choose, or on the named one."""
    words = [program, "bench", "kernel", kernel, "--params", json.dumps(params or {}), "--threads", THREADS, "--paced"]
    for text in inputs:
        words += ["--input", text]
    return Paced(words + (["--backend", backend] if backend else []))


@side
def python(script, *words):
    return Paced([sys.executable, PEERS / script, *words])


@side
def peak(kind):
    """The processor's peak; can't be started where it lacks the instruction."""
    return Paced([build.c_peer("peak", ["-pthread"]), kind, THREADS])


def openblas(dtype, m, n, k, batch=1):
    """OpenBLAS from C at the core type that is fastest here for this product, by trying each that the processor can run."""
    peer = build.openblas_peer()
    wide = {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags()
    programs, words = {}, [peer, dtype, m, n, k, batch, THREADS]
    for name in [None] + [name for name in CORE_TYPES if wide or name in ("Haswell", "Zen")]:
        try:
            program = Paced(words, {"OPENBLAS_CORETYPE": name} if name else {})
        except RuntimeError:
            continue
        if any(program.ready["ready"] == other.ready["ready"] for other in programs.values()):
            program.close()
        else:
            programs[name] = program
    times = interleave({name: (program, "kernel") for name, program in programs.items()}, 3, 100)
    best = min(programs, key=lambda name: min(times[name]))
    for program in programs.values():
        program.close()
    return lambda: Paced(words, {"OPENBLAS_CORETYPE": best} if best else {})


def compare(table, sides, parts=None, generations=None, rounds=3, time=None):
    """Runs the sides in turns, in processes that are started anew for each generation.

    A side that can't be started isn't there. `parts` (name: (side, part)) measures several parts of one process; else each side's "kernel".
    Returns the times by name, and by side what its process said when it was ready.
    """
    generations, time = generations or (1 if table.quick else 3), time or (100 if table.quick else 200)
    times, ready = {}, {}
    for _ in range(generations):
        programs = {name: program for name, start in sides.items() if (program := attempt(start))}
        if ready and programs.keys() != ready.keys():
            raise RuntimeError(f"started in some generations only: {', '.join(programs.keys() ^ ready.keys())}; its rounds have no partners")
        ready.update({name: program.ready for name, program in programs.items()})
        wanted = parts or {name: (name, "kernel") for name in sides}
        round_ = interleave({name: (programs[side], part) for name, (side, part) in wanted.items() if side in programs}, rounds, time)
        for name, values in round_.items():
            times.setdefault(name, []).extend(values)
        for program in programs.values():
            program.close()
    return times, ready


def attempt(start):
    try:
        return start()
    except RuntimeError:
        return None


def rate(operations, times):
    return operations / median(times) / 1e9


__all__ = ["THREADS", "compare", "median", "openblas", "ours", "paired", "peak", "python", "rate"]
