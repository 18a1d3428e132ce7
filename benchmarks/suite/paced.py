"""Programs that wait for a line before each measurement, so that ours and a peer's take turns."""

import json
import os
import statistics
import subprocess


class Paced:
    """A process that answers "PART MS" with the best time of its runs; it sleeps in between."""

    def __init__(self, arguments, environment=None):
        self.process = subprocess.Popen(
            [str(word) for word in arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env={**os.environ, **(environment or {})})
        self.ready = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[0]} ended with {self.process.wait()}")
        return json.loads(line)

    def best(self, part: str, milliseconds: int) -> float:
        """Seconds of the best run."""
        self.process.stdin.write(f"{part} {milliseconds}\n")
        self.process.stdin.flush()
        return self._answer()["best_ns"] / 1e9

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def interleave(parts: dict, rounds: int, milliseconds: int) -> dict:
    """Times of each of `parts` (name: (Paced, part)) in `rounds` rounds, one after the other, each round beginning with another.

    A first round warms caches, threads and clocks up and is dropped. Returns name: [seconds by round].
    """
    names = list(parts)
    times = {name: [] for name in names}
    for turn in range(rounds + 1):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            program, part = parts[name]
            seconds = program.best(part, milliseconds)
            if turn > 0:
                times[name].append(seconds)
    return times


def paired(over: list, under: list) -> float:
    """The median over rounds of over/under: what is slow in one round is slow for both."""
    return statistics.median(a / b for a, b in zip(over, under))


def median(values: list) -> float:
    return statistics.median(values)
