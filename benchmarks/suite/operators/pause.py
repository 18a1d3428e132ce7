"""From the order to pause until the miner says that it has."""

import json
import statistics
import time
import urllib.request
from pathlib import Path

from operators.idle import settle
from town import Town


def measure(table, program):
    count = 3 if table.quick else 11
    with Town(program) as town:
        for name in ["node", "coordinator", "miner"]:
            town.start(name)
            town.wait(name)
        settle(town)
        token = Path(town.path("miner")) / "token"
        if not token.exists():
            table.add("pause, without work", "s", None, at_most=1, note="this build makes no token for the local API")
            return
        times = []
        for _ in range(count):
            begin = time.perf_counter()
            post(town, "pause", token.read_text().strip())
            while status(town)["work"]["state"] != "paused":
                if time.perf_counter() - begin > 30:
                    break
                time.sleep(0.005)
            times.append(time.perf_counter() - begin)
            post(town, "resume", token.read_text().strip())
            time.sleep(0.5)
        table.add("pause, without work", "s", max(times), at_most=1, note=f"longest of {count}, from the request to its status; median {statistics.median(times):.3f} s")


def post(town, what, token):
    request = urllib.request.Request(town.url("miner") + f"/control/{what}", data=b"{}", method="POST",
                                     headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read()


def status(town) -> dict:
    with urllib.request.urlopen(town.url("miner") + "/status", timeout=5) as answer:
        return json.load(answer)
