"""1 GiB in and out of the coordinator, by curl over loopback, and the coordinator's memory meanwhile."""

import os
import statistics
import subprocess
import tempfile
import threading
import time

from keys import leaf_hashes, merkle_root
from road.jobs import started
from town import Town


class Watch(threading.Thread):
    """Samples the coordinator's memory every 10 ms."""

    def __init__(self, town):
        super().__init__(daemon=True)
        self.town, self.over, self.most = town, threading.Event(), 0

    def run(self):
        while not self.over.is_set():
            self.most = max(self.most, self.town.memory("coordinator")["RssAnon"])
            self.over.wait(0.01)

    def stop(self) -> int:
        self.over.set()
        self.join()
        return self.most


def curl(*arguments) -> float:
    """Seconds that curl needed for the transfer."""
    answer = subprocess.run(["curl", "-sSf", "-w", "%{time_total}", "-o", "/dev/null", *arguments], capture_output=True, text=True)
    if answer.returncode != 0:
        raise RuntimeError(answer.stderr)
    return float(answer.stdout)


def copy(source: str, target: str) -> float:
    """Seconds of the same bytes' way from memory to a new file, synced, in pieces of 1 MiB: what this machine's disk and memory give."""
    begin = time.perf_counter()
    with open(source, "rb", buffering=0) as reader, open(target, "wb", buffering=0) as writer:
        while piece := reader.read(1 << 20):
            writer.write(piece)
        os.fsync(writer.fileno())
    return time.perf_counter() - begin


def measure(table, program):
    size = (128 << 20) if table.quick else 1 << 30
    rounds = 3
    name = f"{size >> 20} MiB"
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with Town(program) as town, tempfile.NamedTemporaryFile(dir=shared) as file:
        client = started(town, miner=False)
        idle = town.memory("coordinator")["RssAnon"]
        data = bytearray(os.urandom(1 << 20) * (size >> 20))
        hashes = leaf_hashes(data)
        puts, gets, copies, most = [], [], [], idle
        for turn in range(rounds):
            # Another first leaf is another tensor.
            data[:65_536] = os.urandom(65_536)
            hashes[0] = leaf_hashes(memoryview(data)[:65_536])[0]
            root = merkle_root(hashes).hex()
            file.seek(0)
            file.write(data)
            file.flush()
            path = f"/blobs/{root}"
            headers = client.key.headers("PUT", f"127.0.0.1:{town.ports['coordinator']}", path)
            watch = Watch(town)
            watch.start()
            puts.append(size / curl("-T", file.name, *sum((["-H", f"{k}: {v}"] for k, v in headers.items()), []), "-H", "Expect:", town.url("coordinator") + path))
            copies.append(size / copy(file.name, town.path(f"copy{turn}")))
            for _ in range(3):
                gets.append(size / curl(town.url("coordinator") + path))
            most = max(most, watch.stop())
    note = f"curl, medians of {len(gets)} and {len(puts)}; the coordinator's own memory (RssAnon) at most {most / 2**20:.0f} MiB, {idle / 2**20:.0f} before"
    table.add(f"blob GET, {name}", "GB/s", statistics.median(gets) / 1e9, at_least=0.8, note=note)
    table.add(f"blob PUT, {name}", "GB/s", statistics.median(puts) / 1e9, peer=statistics.median(copies) / 1e9, peer_name="copy to a file + fsync",
              ratio=statistics.median(a / b for a, b in zip(puts, copies)), at_least=0.5,
              note="from memory (/dev/shm) to the disk, synced, every leaf's hash checked on the way")
    table.add(f"coordinator's memory during {name} blobs", "MiB", (most - idle) / 2**20, at_most=64, note="growth of RssAnon over its idle state")
