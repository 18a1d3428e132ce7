"""Streams of small jobs through node, coordinator and one miner."""

import json
import time
from datetime import datetime

from road.jobs import started
from town import Town


def moment(event) -> float:
    return datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def measure(table, program):
    count = 500 if table.quick else 4000
    with Town(program) as town:
        client = started(town, miner=False)
        client.order([client.gemm(16, seed) for seed in range(count)])
        town.start("miner")
        times = {}
        deadline = time.monotonic() + 600
        with open(town.path("miner.log")) as log:
            rest = ""
            while len(times.get("receipt_confirmed", [])) < count and time.monotonic() < deadline:
                text = rest + log.read()
                *lines, rest = text.split("\n")
                for line in lines:
                    if line.startswith("{"):
                        event = json.loads(line)
                        times.setdefault(event["event"], []).append(moment(event))
                time.sleep(0.1)
        blocks = [event for event in town.events("node") if event["event"] == "block" and event["txs"] > 0]

    first = min(times.get("task_assigned", [0]))
    attested, confirmed = sorted(times.get("result_attested", [])), sorted(times.get("receipt_confirmed", []))

    def rate(moments):
        return (len(moments) - 1) / (moments[-1] - first) if len(moments) > 1 and moments[-1] > first else 0.0

    busiest = max((event["txs"] for event in blocks), default=0)
    slowest = max((event["latency_ms"] for event in blocks), default=0)
    table.add("small jobs n=16, lease to durable signature", "jobs/s", rate(attested), at_least=500,
              note=f"{len(attested)} of {count} attested, one worker, from the first lease on; the miner's and coordinator's processes share the machine")
    table.add("small jobs n=16, lease to confirmed claim", "jobs/s", rate(confirmed), at_least=500,
              note=f"{len(confirmed)} of {count} confirmed; blocks of 1 s, the busiest with {busiest} transactions, the slowest made in {slowest:.0f} ms")
