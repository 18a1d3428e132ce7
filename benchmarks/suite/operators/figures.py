"""`operator`: profiles that repeat, rates that hold, and a miner that costs nothing while it waits."""

from operators import idle, pause, profile

PARTS = {"profile": profile, "idle": idle, "pause": pause}


def measure(table, program, only: set):
    for name, part in PARTS.items():
        if not only or name in only:
            part.measure(table, program)
