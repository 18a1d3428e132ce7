"""NumPy's matrix product, or its batched one: numpy_gemm.py N [BATCH]."""

import sys

import numpy

from pace import serve

n, batch = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
shape = (batch, n, n) if batch else (n, n)
random = numpy.random.default_rng(1)
a = random.random(shape, dtype=numpy.float32) * 2 - 1
b = random.random(shape, dtype=numpy.float32) * 2 - 1
c = numpy.zeros(shape, dtype=numpy.float32)
serve(f"NumPy {numpy.__version__}", lambda: numpy.matmul(a, b, out=c))
