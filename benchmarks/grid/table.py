"""The table of what was measured: a CSV file that only grows, a row for each cell."""

import csv
import fcntl
import io
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

from benchmarks.grid.cells import Cell

KEY = tuple(field.name for field in fields(Cell))
# What was measured, and how: the images of the test split, the machine and the code.
FOUND = ("accuracy", "images", "macs", "parameters", "seconds", "note", "normalisation", "machine",
         "threads", "commit", "finished")  # fmt: skip


def read(path: Path) -> dict[Cell, dict[str, str]]:
    """Return what was measured, {cell: {column: text}}; {} where there is no table yet.

    Args:
        path: the CSV file.
    """
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {_cell(row): {name: row[name] for name in FOUND} for row in rows}


def append(path: Path, cell: Cell, found: Mapping[str, object]) -> None:
    """Add a row, whole or not at all; several processes may do so at a time.

    Args:
        path: the CSV file; made with its head line where there is none.
        cell: what was measured.
        found: {column of `FOUND`: value}; the others stay empty.

    Raises:
        KeyError: a column that the table has not.
    """
    values = asdict(cell) | dict.fromkeys(FOUND, "") | dict(found)
    if len(values) > len(KEY) + len(FOUND):
        raise KeyError(f"Expected columns of {FOUND}, received {sorted(found)}.")
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _drop_torn_end(file)
        head = [(*KEY, *FOUND)] if file.tell() == 0 else []
        text = io.StringIO()
        row = [values[name] for name in (*KEY, *FOUND)]
        csv.writer(text, lineterminator="\n").writerows([*head, row])
        file.write(text.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())


def _drop_torn_end(file: io.BufferedRandom) -> None:
    """Cut off what a killed process left of a row."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        file.truncate(whole)
    file.seek(whole)


def _cell(row: Mapping[str, str]) -> Cell:
    key = {name: row[name] for name in KEY}
    return Cell(**(key | {"share": float(row["share"]), "draw": int(row["draw"])}))
