"""`kernels`: every kernel against the peak of this processor and the best library for it."""

from kernels import attention, batched, checks, conv, gemm, opencl, train

PARTS = {"gemm": gemm, "batched": batched, "conv": conv, "attention": attention, "train": train, "checks": checks, "opencl": opencl}


def measure(table, program, only: set):
    for name, part in PARTS.items():
        if not only or name in only:
            part.measure(table, program)
