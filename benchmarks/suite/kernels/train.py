"""A training step at batch 128, in free and in reproducible arithmetic, against JAX."""


def measure(table, program):
    pass
