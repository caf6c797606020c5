"""The grid's command line.

python -m benchmarks.grid run --weights=DIR --data_dir=DIR [--stages cut batchnorm] ...
python -m benchmarks.grid report
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.grid.cells import JUDGES, SCOPES, SHARES, STAGES, cells

TABLE = Path("docs/grid.csv")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="benchmarks.grid", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE, help="the CSV file")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="compute what the table lacks")
    run.add_argument("--weights", type=Path, help="folder of the published weights")
    run.add_argument("--data_dir", help="where CIFAR-10 lies")
    run.add_argument("--networks", nargs="+", default=["resnet20_a", "resnet56_a"])
    run.add_argument("--judges", nargs="+", default=list(JUDGES), choices=list(JUDGES))
    run.add_argument("--scopes", nargs="+", default=[*SCOPES, ""])
    run.add_argument("--shares", nargs="+", type=float, default=list(SHARES))
    run.add_argument("--stages", nargs="+", default=list(STAGES), choices=list(STAGES))
    run.add_argument("--draws", type=int, default=10)
    run.add_argument("--threads", type=int, default=1)
    report = commands.add_parser("report", help="write the tables and words of the page")
    report.add_argument("--page", type=Path, default=Path("docs/results.md"))
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Compute what the table lacks."""
    for kind in ("INTRAOP", "INTEROP"):  # before TensorFlow is imported
        os.environ[f"TF_NUM_{kind}_THREADS"] = str(options.threads)
    import tfprune.data  # noqa: PLC0415
    from benchmarks.grid.material import PUBLISHED, names, network  # noqa: PLC0415
    from benchmarks.grid.running import fill  # noqa: PLC0415

    known = names(options.weights)
    strangers = set(options.networks) - set(known)
    if strangers:
        sys.exit(
            f"Unknown networks {sorted(strangers)}; expected some of {known}, with --weights "
            f"also of {list(PUBLISHED)}."
        )
    wanted = cells(
        options.networks, options.judges, options.scopes, options.shares, options.stages,
        options.draws,
    )  # fmt: skip
    fill(
        options.table,
        wanted,
        lambda name: network(name, options.weights),
        tfprune.data.load("cifar10", data_dir=options.data_dir),
        tell=lambda cell, found: print(cell, found.get("accuracy"), found.get("note"), flush=True),
    )


def report(options: argparse.Namespace) -> None:
    """Write the page from the table."""
    from benchmarks.grid import table  # noqa: PLC0415
    from benchmarks.grid.report import write  # noqa: PLC0415

    print(*write(table.read(options.table), options.page), sep="\n")


def main(arguments: Sequence[str]) -> None:
    """Run one of the commands."""
    options = parsed(arguments)
    {"run": run, "report": report}[options.command](options)


if __name__ == "__main__":
    main(sys.argv[1:])
