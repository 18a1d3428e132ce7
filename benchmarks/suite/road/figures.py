"""`road`: the figures of the way from tensors to a paid receipt."""

from road import blobs, gemm, jobs, small, start

PARTS = {"gemm": gemm, "jobs": jobs, "small": small, "start": start, "blobs": blobs}


def measure(table, program, only: set):
    for name, part in PARTS.items():
        if not only or name in only:
            part.measure(table, program)
