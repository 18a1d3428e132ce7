"""What the Python peers share: a line on standard input starts a measurement, one JSON line answers it."""

import json
import sys
import time


def serve(name, run):
    """Says it is ready, then answers "kernel MS" with the best time of the runs that fit into MS milliseconds."""
    run()
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        part, ms = line.split()
        assert part == "kernel"
        start = time.perf_counter_ns()
        best, runs = None, 0
        while True:
            begin = time.perf_counter_ns()
            run()
            took = time.perf_counter_ns() - begin
            best = took if best is None else min(best, took)
            runs += 1
            if time.perf_counter_ns() - start >= int(ms) * 1_000_000:
                break
        print(json.dumps({"best_ns": best, "runs": runs}), flush=True)
