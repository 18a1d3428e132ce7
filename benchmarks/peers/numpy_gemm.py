"""NumPy's matrix product, paced like the others: numpy_gemm.py N."""

import json
import sys
import time

import numpy

n = int(sys.argv[1])
random = numpy.random.default_rng(1)
a = random.random((n, n), dtype=numpy.float32) * 2 - 1
b = random.random((n, n), dtype=numpy.float32) * 2 - 1
c = numpy.zeros((n, n), dtype=numpy.float32)
print(json.dumps({"ready": f"NumPy {numpy.__version__}"}), flush=True)
for line in sys.stdin:
    part, ms = line.split()
    assert part == "kernel"
    start = time.perf_counter_ns()
    best, runs = None, 0
    while True:
        begin = time.perf_counter_ns()
        numpy.matmul(a, b, out=c)
        took = time.perf_counter_ns() - begin
        best = took if best is None else min(best, took)
        runs += 1
        if time.perf_counter_ns() - start >= int(ms) * 1_000_000:
            break
    print(json.dumps({"best_ns": best, "runs": runs}), flush=True)
