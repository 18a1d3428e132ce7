"""A real miner's large jobs: what comes on top of the kernel, and the memory that it takes."""

import os
import random
import statistics
import time

from client import Client
from keys import leaf_hashes, merkle_root
from paced import Paced
from town import Town


def matrix(n: int, seed: int) -> bytes:
    """n x n float32 in [-1, 1), not zeros: products of zeros run faster."""
    import numpy

    return (numpy.random.default_rng(seed).random((n, n), dtype=numpy.float32) * 2 - 1).tobytes()


def events_after(town: Town, name: str, count: int, seconds: float = 300) -> list:
    deadline = time.monotonic() + seconds
    while True:
        found = [event for event in town.events("miner") if event["event"] == name]
        if len(found) >= count:
            return found
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {len(found)} of {count} {name}: {town.events('miner')[-3:]}")
        time.sleep(0.3)


def measure(table, program):
    share(table, program)
    for n in [2048] if table.quick else [2048, 4096]:
        memory(table, program, n)


def upload(client: Client, n: int) -> tuple:
    roots = []
    for seed in (1, 2):
        data = matrix(n, seed)
        roots.append(merkle_root(leaf_hashes(data)))
        client.put(roots[-1], data)
    return tuple(roots)


def share(table, program):
    """Jobs one at a time, and between them the kernel alone: both see the same machine."""
    n, rounds = 2048, 5 if table.quick else 21
    threads = len(os.sched_getaffinity(0))
    kernel = Paced([program, "bench", "gemm", "--n", n, "--threads", threads, "--paced"])
    with Town(program) as town:
        client = started(town)
        roots = upload(client, n)
        kernels, jobs, parts = [], [], []
        for turn in range(rounds + 1):
            # Three single runs, and the one in the middle: a job is one run too, not the best of several.
            alone = statistics.median(kernel.best("kernel", 1) for _ in range(3))
            # A spec of its own each time: the same inputs, so that they are in the miner's cache.
            client.order([client.gemm(n, turn, roots=roots)])
            done = events_after(town, "task_completed", turn + 1)[-1]
            events_after(town, "result_attested", turn + 1)
            if turn > 0:
                kernels.append(alone)
                parts.append((done["latency_ms"], done["commit_ms"]))
                jobs.append((done["latency_ms"] + done["commit_ms"]) / 1e3)
    kernel.close()
    rate = 2 * n**3 / 1e9
    table.add(
        "whole job n=2048, inputs in memory to outbox", "GFLOP/s", rate / statistics.median(jobs), peer=rate / statistics.median(kernels),
        peer_name="the kernel alone", ratio=statistics.median(a / b for a, b in zip(kernels, jobs)), at_least=0.8, of="ratio",
        note=f"a real miner: computing {statistics.median(p[0] for p in parts):.1f} ms, then hashing, signing and the durable outbox "
             f"{statistics.median(p[1] for p in parts):.1f} ms; the kernel alone {statistics.median(kernels) * 1e3:.1f} ms (the median of three runs)")


def started(town: Town, miner: bool = True) -> Client:
    for name in ["node", "coordinator"]:
        town.start(name)
        town.wait(name)
    time.sleep(1.1)  # A coordinator takes no request signed in the second it started in.
    if miner:
        town.start("miner")
        town.wait("miner", 120)
    return Client(town)


def memory(table, program, n: int):
    """VmHWM of a fresh miner over one job with uploaded inputs, from its ready state on; that of its start (self-test, profile) is noted."""
    with Town(program) as town:
        client = started(town)
        start = town.memory("miner")["VmHWM"]
        town.forget_peak("miner")
        before = town.memory("miner")["VmRSS"]
        client.order([client.gemm(n, random.getrandbits(32), roots=upload(client, n))])
        events_after(town, "result_attested", 1)
        after = town.memory("miner")
    tensors = 3 * 4 * n * n
    limit = 1.2 * tensors + 100 * 2**20
    table.add(
        f"miner's peak memory, F32 job n={n}", "MiB", after["VmHWM"] / 2**20, peer=limit / 2**20, peer_name="1.2 (in + out) + 100 MiB",
        ratio=after["VmHWM"] / limit, at_most=1.0, of="ratio", note=f"VmHWM over the job; {before / 2**20:.0f} MiB before it; at its first start, which measures the machine, it had {start / 2**20:.0f} MiB")
