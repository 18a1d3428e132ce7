"""The profile against itself, and its F32 rate against a C program's in the same second."""

import json
import statistics
import subprocess

import build
from kernels.sides import THREADS
from paced import Paced, interleave, median, paired


def measure(table, program):
    repeated(table, program)
    same_second(table, program)


def repeated(table, program):
    """Several profiles, one after the other: how far the shares of the peak of one row lie from each other."""
    count = 2 if table.quick else 4
    words = [program, "bench", "--json", "--threads", str(THREADS)] + (["--quick"] if table.quick else [])
    subprocess.run(words + ([] if table.quick else ["--quick"]), stdout=subprocess.DEVNULL, check=True)  # the first one chooses libraries
    shares, devices = {}, {}
    for _ in range(count):
        answer = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        for row in answer["bench"]["rates"]["rows"]:
            if "shareMillionths" in row:
                key = (row["backend"], row["what"], row["arithmetic"], tuple(row["size"]))
                shares.setdefault(key, []).append(row["shareMillionths"])
                devices[key] = row["device"]
    spreads = {key: (max(values) - min(values)) / statistics.median(values) for key, values in shares.items() if len(values) == count and min(values) > 0}
    if not spreads:
        table.add("repeated profiles, share of the peak", "%", None, at_most=5, note="no row has a peak here")
        return
    whole = {key: spread for key, spread in spreads.items() if key[0] in ("cpu", devices[key])}
    worst = max(whole, key=whole.get)
    table.add("repeated profiles, share of the peak: the devices' rows", "%", 100 * whole[worst], at_most=5,
              note=f"{count} profiles, {len(whole)} rows; the widest: {text(worst)}; median of all rows {100 * statistics.median(whole.values()):.1f} %")
    members = {key: spread for key, spread in spreads.items() if key not in whole}
    if members:
        worst = max(members, key=members.get)
        table.add("repeated profiles, share of the peak: libraries' rows", "%", 100 * members[worst], at_most=5,
                  note=f"{count} profiles, {len(members)} rows; the widest: {text(worst)}; median {100 * statistics.median(members.values()):.1f} %")


def text(key) -> str:
    backend, what, arithmetic, size = key
    return f"{what} {arithmetic} {'x'.join(map(str, size))} on {backend}"


def same_second(table, program):
    """cblas_sgemm from C and the profile's own meter on the same library and core type, by turns; in processes that are started anew."""
    n, rounds = 2048, 3 if table.quick else 5
    times, ready = {"ours": [], "C": []}, None
    for _ in range(1 if table.quick else 3):
        try:
            ours = Paced([program, "bench", "--paced", "openblas", "--threads", THREADS])
        except RuntimeError as error:
            table.add(f"F32 rate n={n} against a C program's", "%", None, at_most=3, note=f"no OpenBLAS here: {error}")
            return
        peer = Paced([build.openblas_peer(), "f32", n, n, n, 1, THREADS], {"OPENBLAS_CORETYPE": ours.ready["blas"]})
        ready = (ours.ready["ready"], peer.ready["ready"])
        for side, values in interleave({"ours": (ours, "kernel"), "C": (peer, "kernel")}, rounds, 600 if table.quick else 1200).items():
            times[side] += values
        ours.close()
        peer.close()
    ratio = paired(times["C"], times["ours"])
    work = 2 * n**3
    table.add(f"F32 rate n={n} against a C program's", "%", abs(ratio - 1) * 100, peer=work / median(times["C"]) / 1e9, peer_name=f"{ready[1]} GFLOP/s",
              ratio=ratio, at_most=3,
              note=f"the profile's meter on {ready[0]}: {work / median(times['ours']) / 1e9:.1f} GFLOP/s; median of {len(times['C'])} rounds' own ratios")
