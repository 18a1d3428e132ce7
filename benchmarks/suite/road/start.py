"""How long the program takes to say something, and a node to be there."""

import json
import os
import statistics
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from town import free_port


def measure(table, program):
    times = []
    for _ in range(6 if table.quick else 31):
        begin = time.perf_counter()
        subprocess.run([program, "--help"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - begin)
    table.add("adit --help", "ms", 1e3 * statistics.median(times[1:]), at_most=50, note=f"median of {len(times) - 1}, process start included")

    simulated(table, program, 10_000, 1)


def simulated(table, program, blocks: int, jobs: int):
    name = f"a node with {blocks:,} blocks starts"
    if subprocess.run([program, "node", "simulate", "--help"], capture_output=True).returncode != 0:
        table.add(name, "s", None, at_most=2, note="this build has no `adit node simulate` to make such a chain with")
        return
    with tempfile.TemporaryDirectory(prefix="adit-bench-") as folder:
        database = f"{folder}/chain.db"
        subprocess.run([program, "node", "simulate", database, "--blocks", str(blocks), "--jobs", str(jobs), "--json"], check=True, stdout=subprocess.DEVNULL)
        times = []
        for _ in range(2 if table.quick else 7):
            port = free_port()
            begin = time.perf_counter()
            arguments = ["node", "run", "--db", database, "--genesis", f"{database}.genesis.json", "--rpc", f"127.0.0.1:{port}", "--p2p", "127.0.0.1:0"]
            node = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
            height = answered(node, port)
            times.append(time.perf_counter() - begin)
            node.terminate()
            node.wait()
        size = sum(os.path.getsize(file) for file in Path(folder).glob("chain.db*"))
    table.add(name, "s", statistics.median(times), at_most=2,
              note=f"until it answers with its head ({height}); {jobs} job opened and settled a block, a store of {size / 2**20:.1f} MiB, warm page cache")


def answered(node, port: int) -> int:
    """Waits for the first answer; the height of the head."""
    while node.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/rpc/getHead", timeout=5) as answer:
                return json.load(answer)["height"]
        except OSError:
            time.sleep(0.005)
    raise RuntimeError(f"the node ended with {node.returncode}")
