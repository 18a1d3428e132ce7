"""Streams of small jobs through node, coordinator and one miner."""

import json
import time
from datetime import datetime

from road.jobs import started
from town import Town


def moment(event) -> float:
    return datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def measure(table, program):
    # Enough that the wait for the first and the last block is a small part of it.
    count = 500 if table.quick else 8000
    with Town(program) as town:
        client = started(town, miner=False)
        client.order([client.gemm(16, seed) for seed in range(count)])
        town.start("miner")
        deadline = time.monotonic() + 600
        # Only counted while they run, since reading them takes a core's time; understood afterwards.
        seen, mark = 0, b'"event":"receipt_confirmed"'
        with open(town.path("miner.log"), "rb") as log:
            rest = b""
            while seen < count and time.monotonic() < deadline:
                text = rest + log.read()
                seen += text.count(mark)
                rest = text[-(len(mark) - 1):]
                time.sleep(0.2)
        times = {}
        for event in town.events("miner"):
            times.setdefault(event["event"], []).append(moment(event))
        blocks = [event for event in town.events("node") if event["event"] == "block" and event["txs"] > 0]

    first, attested, confirmed = min(times["task_assigned"]), sorted(times["result_attested"]), sorted(times["receipt_confirmed"])

    def rate(moments):
        """Of the stream as it runs: without its first and last twentieth, in which it begins and runs dry."""
        early, late = len(moments) // 20, len(moments) - 1 - len(moments) // 20
        return (late - early) / (moments[late] - moments[early]) if late > early and moments[late] > moments[early] else 0.0

    busiest = max((event["txs"] for event in blocks), default=0)
    slowest = max((event["latency_ms"] for event in blocks), default=0)
    table.add("small jobs n=16, lease to durable signature", "jobs/s", rate(attested), at_least=500,
              note=f"{len(attested)} of {count} attested, one worker, {attested[-1] - first:.1f} s from the first lease to the last signature; rate without the "
                   "first and last twentieth; node, coordinator, miner and the reader of their logs share the machine")
    table.add("small jobs n=16, lease to confirmed claim", "jobs/s", rate(confirmed), at_least=500,
              note=f"{len(confirmed)} of {count} confirmed, the last {confirmed[-1] - attested[-1]:.1f} s after its signature; blocks of 1 s, the busiest with {busiest} transactions, the slowest made in {slowest:.0f} ms")
