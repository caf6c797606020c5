"""Fill the table, cell by cell, from where it stands."""

import datetime
import os
import platform
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import keras

import tfprune.data
from benchmarks.grid import table
from benchmarks.grid.cells import Cell
from benchmarks.grid.computing import Bench
from benchmarks.grid.material import Images, fed_with

_CPU = Path("/proc/cpuinfo")


def fill(
    path: Path,
    wanted: Iterable[Cell],
    build: Callable[[str], keras.Model],
    data: tfprune.data.DataSet,
    tell: Callable[[Cell, dict], None] = lambda cell, found: None,
) -> int:
    """Compute the cells that a table lacks, and add each as soon as it is known.

    Args:
        path: the table.
        wanted: the cells, in the order in which they are computed.
        build: returns a network by its name.
        data: the data set.
        tell: is told of each cell that was computed.

    Returns:
        How many were computed.
    """
    done, networks, count = table.read(path).keys(), {}, 0
    bench: tuple[tuple[str, int], Bench] | None = None
    how = provenance()
    for cell in wanted:
        if cell in done:
            continue
        if cell.network not in networks:
            networks[cell.network] = build(cell.network)
        key = (cell.network, cell.draw)
        if bench is None or bench[0] != key:  # one at a time: each holds scores and models
            images = Images(data, cell.draw, fed_with(cell.network))
            bench = key, Bench(networks[cell.network], images)
        found = bench[1].measure(cell) | how | {"finished": _now()}
        table.append(path, cell, found)
        tell(cell, found)
        count += 1
    return count


def provenance() -> dict[str, object]:
    """Return what says how a row was made: the machine, its threads and the code."""
    return {
        "machine": _processor(),
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS", os.cpu_count()),
        "commit": _git("rev-parse", "--short=10", "HEAD") + "+" * bool(_git("status", "-suno")),
    }


def _processor() -> str:
    lines = _CPU.read_text().splitlines() if _CPU.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _git(*words: str) -> str:
    command = ("git", "-C", str(Path(__file__).parent), *words)
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
