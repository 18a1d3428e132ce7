"""benchmarks/run NAME [--quick] [--json FILE]: one named set of figures, ours and the peers' in turn."""

import argparse
import importlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import build  # noqa: E402
import rows  # noqa: E402

BUILT = {"road": "road.figures", "kernels": "kernels.figures", "operator": "operators.figures"}
LATER = ["chain", "market"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__)
    parser.add_argument("name", choices=list(BUILT) + LATER, metavar="NAME", help=", ".join(BUILT))
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller streams: a look, not a result")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    parser.add_argument("--only", metavar="PART", action="append", help="one part of the set; may be repeated")
    parser.add_argument("--no-build", action="store_true", help="measure the release build that is there")
    parser.add_argument("--program", type=Path, metavar="FILE", help="measure this program, such as a package's")
    arguments = parser.parse_args()
    if arguments.name in LATER:
        print(f"benchmarks/run: {arguments.name} is not built yet; there is: {', '.join(BUILT)}", file=sys.stderr)
        return 2
    # What an operator's shell sets must not cripple a peer: a ratio against a crippled peer is no result.
    for name in list(os.environ):
        if name.startswith(("OPENBLAS_", "GOTO_", "OMP_", "MKL_")):
            del os.environ[name]
    program = arguments.program.resolve(strict=True) if arguments.program else build.release(skip=arguments.no_build)
    figures = importlib.import_module(BUILT[arguments.name])
    table = rows.Table(arguments.name, quick=arguments.quick)
    try:
        figures.measure(table, program, only=set(arguments.only or []))
    finally:
        table.show()
        if not arguments.only and not arguments.quick:
            table.write_results(build.ROOT / "benchmarks" / "results")
        if arguments.json:
            Path(arguments.json).write_text(table.json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
