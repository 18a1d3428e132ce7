"""Builds the program in release, and the C peers."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks" / ".peers"


def release(skip: bool) -> Path:
    """The release build of adit."""
    program = ROOT / ".build" / "release" / "adit"
    if not skip:
        print("Building adit in release ...", file=sys.stderr)
        subprocess.run(["swift", "build", "-c", "release", "--product", "adit"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    if not program.exists():
        raise SystemExit(f"{program} is missing; run without --no-build")
    return program


def openblas_peer() -> Path:
    """The C peer, compiled against the machine's own OpenBLAS (libopenblas-dev)."""
    source = ROOT / "benchmarks" / "peers" / "openblas_gemm.c"
    target = PEERS / "openblas_gemm"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        PEERS.mkdir(exist_ok=True)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "openblas"], capture_output=True, text=True, check=True).stdout.split()
        subprocess.run(["cc", "-O2", "-o", target, source, *flags], check=True)
    return target


def c_peer(name: str, flags: list) -> Path:
    """A peer of one C file that needs no library of its own."""
    source, target = ROOT / "benchmarks" / "peers" / f"{name}.c", PEERS / name
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        PEERS.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", target, source, *flags], check=True)
    return target
