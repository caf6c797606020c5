"""Prune by several methods, amounts and seeds, several runs at a time; one table and one plot.

Example: python sweep.py --methods=l1,gfbs --amounts=macs=0.7,macs=0.5 --prune='--data=digits'
What is finished is not done again: the same command goes on, and more methods or seeds are added.
"""

import csv
import io
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import flags.strategy
import flags.sweeping
from flags import commandline
from flags.progress import Progress
from flags.sweeping import Cell

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import numpy as np
from absl import logging

from tfprune import files, runs, tasks
from tfprune.errors import PruningError
from tfprune.reporting.figures.accuracy_cost import accuracy_cost

_COLUMNS = ("method", "amount", "seed", "figure", "original", "after the cut", "at the end",
            "parameters left", "MACs left")  # fmt: skip


def define_flags() -> None:
    """Define the flags."""
    flags.sweeping.define()


def main(argv: list[str]) -> None:
    """Run what is not finished, then write the table and the plot."""
    del argv
    flags.strategy.refuse_workers("sweep.py")
    cells, common = list(flags.sweeping.cells()), flags.sweeping.common()
    folder = files.make_folder(flags.sweeping.save_dir())
    free: Queue[list[str]] = Queue()
    for place in range(flags.sweeping.jobs()):
        free.put(flags.sweeping.devices(place))

    def run_somewhere(cell: Cell) -> Path | None:
        devices = free.get()
        try:
            return run(folder, cell, [*common, *devices])
        finally:
            free.put(devices)

    logs = []
    with Progress("Sweeping") as progress, ThreadPoolExecutor(flags.sweeping.jobs()) as pool:
        progress.hear("runs", 0, len(cells))
        for log in pool.map(run_somewhere, cells):
            logs.append(log)
            progress.hear("runs", len(logs), len(cells))
    failed = [*filter(None, logs)]
    rows = [
        row(cell, runs.report_values(folder / cell.name)) for cell in cells if done(folder, cell)
    ]
    write(folder, rows)
    if failed:
        raise PruningError(
            f"{len(failed)} of {len(cells)} runs failed; their logs say why: "
            f"{', '.join(map(str, failed))}. The same command does them again."
        )


def done(folder: Path, cell: Cell) -> bool:
    """Tell whether a run is finished."""
    return bool(runs.report_values(folder / cell.name))


def run(folder: Path, cell: Cell, common: Sequence[str]) -> Path | None:
    """Run prune.py for a cell, unless it is finished; return the log of one that failed."""
    if done(folder, cell):
        return None
    logging.info("Running %s", cell.name)
    command = [
        sys.executable, str(Path(__file__).with_name("prune.py")), *common,
        f"--method={cell.method}", f"--{cell.amount}", f"--seed={cell.seed}",
        f"--save_dir={folder / cell.name}",
    ]  # fmt: skip
    log = folder / f"{cell.name}.log"
    with log.open("w", encoding="utf-8") as file:
        code = subprocess.run(command, stdout=file, stderr=file, check=False).returncode  # noqa: S603
    return log if code else None


def row(cell: Cell, found: dict[str, Any]) -> list[Any]:
    """Return what a finished run gives, a value per column."""
    before, after = found["before"], found["after"]
    name = tasks.headline(before["results"])
    left = [after[cost] / before[cost] for cost in ("parameters", "macs")]
    cut = found["before_fine_tuning"].get(name)
    return [cell.method, cell.amount, cell.seed, name, before["results"][name], cut,
            after["results"][name], *left]  # fmt: skip


def write(folder: Path, rows: Sequence[Sequence[Any]]) -> None:
    """Write the table of all finished runs, and the plot of their means over the seeds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    files.write_text(folder / "sweep.csv", text.getvalue())
    logging.info("%s", text.getvalue())
    if not rows or not tasks.is_share(rows[0][3]):
        return
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for method, amount, *_, figure, _, macs in rows:
        groups.setdefault((method, amount), []).append((macs, figure))
    curves: dict[str, list[tuple[float, float]]] = {}
    for (method, _), points in groups.items():
        curves.setdefault(method, []).append(tuple(np.mean(points, axis=0).tolist()))
    try:
        figure = accuracy_cost(curves)
    except PruningError as error:
        logging.warning("No plot: %s", error)
        return
    for ending in ("png", "svg"):
        with files.atomic_path(folder / f"sweep.{ending}") as temporary:
            figure.savefig(temporary, format=ending)


if __name__ == "__main__":
    commandline.run(main, define_flags)
