"""Rows of figures: what was measured, against whom, and whether the goal is met."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path


@dataclass
class Row:
    name: str
    unit: str
    ours: float | None
    peer: float | None = None
    peerName: str | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    note: str = ""


class Table:
    def __init__(self, name: str, quick: bool):
        self.name, self.quick = name, quick
        self.rows: list[Row] = []
        self.date = datetime.now(timezone.utc)

    def add(self, name, unit, ours, *, peer=None, peer_name=None, ratio=None, at_least=None, at_most=None, of="ours", note=""):
        """`of` names the number that the goal is about: "ours" or "ratio". A value of None means: not measured."""
        value = ratio if of == "ratio" else ours
        goal, met = "", None
        if at_least is not None:
            goal, met = f"{'ratio ' if of == 'ratio' else ''}>= {at_least:g}", None if value is None else bool(value >= at_least)
        if at_most is not None:
            goal, met = f"{'ratio ' if of == 'ratio' else ''}<= {at_most:g}", None if value is None else bool(value <= at_most)
        row = Row(name, unit, ours, peer, peer_name, ratio, goal, met, note)
        self.rows.append(row)
        print(self.line(row), flush=True)

    @staticmethod
    def line(row: Row) -> str:
        def number(value):
            return "-" if value is None else f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"

        verdict = {True: "met", False: "MISSED", None: "not measured" if row.ours is None and row.ratio is None else ""}[row.met]
        peer = f"{number(row.peer)} {row.peerName}" if row.peerName else "-"
        return f"{row.name:<44} {number(row.ours):>9} {row.unit:<8} {peer:<34} {number(row.ratio):>7}  {row.goal:<15} {verdict}"

    def show(self):
        print(f"\n{self.name}: {machine()}, {self.date:%Y-%m-%d %H:%M} UTC{' (quick)' if self.quick else ''}")
        print(f"{'figure':<44} {'ours':>9} {'unit':<8} {'peer':<34} {'ratio':>7}  {'goal':<15}")
        for row in self.rows:
            print(self.line(row))
            if row.note:
                print(f"    {row.note}")

    def json(self) -> str:
        return json.dumps(
            {"name": self.name, "date": self.date.isoformat(timespec="seconds"), "machine": machine(), "quick": self.quick,
             "revision": revision(), "rows": [asdict(row) for row in self.rows]}, indent=1) + "\n"

    def write_results(self, folder: Path):
        folder.mkdir(exist_ok=True)
        (folder / f"{self.name}.json").write_text(self.json())
        lines = [f"# {self.name}", "", f"{self.date:%Y-%m-%d %H:%M} UTC, {machine()}, revision {revision()}.", "",
                 "| figure | ours | unit | peer | ratio | goal | met |", "| --- | ---: | --- | --- | ---: | --- | --- |"]
        for row in self.rows:
            ours = "" if row.ours is None else f"{row.ours:.4g}"
            peer = f"{row.peer:.4g} {row.peerName}" if row.peer is not None else row.peerName or ""
            ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
            met = {True: "yes", False: "**no**", None: "not measured" if row.goal else ""}[row.met]
            lines.append(f"| {row.name} | {ours} | {row.unit} | {peer} | {ratio} | {row.goal} | {met} |")
        notes = [f"- {row.name}: {row.note}" for row in self.rows if row.note]
        (folder / f"{self.name}.md").write_text("\n".join(lines + ([""] + notes if notes else [])) + "\n")


def machine() -> str:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), "")
    isa = next((name for name, flag in [("AVX-512", " avx512f"), ("AVX2", " avx2")] if flag in flags), "no AVX2")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    load = os.getloadavg()[0]
    return f"{len(os.sched_getaffinity(0))} threads of {model} ({isa}), {memory:.0f} GiB, Linux {platform.release()}, load at the end {load:.1f}"


def revision() -> str:
    answer = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True, text=True)
    return answer.stdout.strip() or "unknown"
