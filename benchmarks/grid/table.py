"""The table of what was measured: a CSV file that only grows, a row for each cell."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

from benchmarks import rows
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
    return {_cell(row): {name: row[name] for name in FOUND} for row in rows.read(path)}


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
    rows.append(path, {name: values[name] for name in (*KEY, *FOUND)})


def _cell(row: Mapping[str, str]) -> Cell:
    key = {name: row[name] for name in KEY}
    return Cell(**(key | {"share": float(row["share"]), "draw": int(row["draw"])}))
