"""A table of what was measured: a CSV file that only grows, and that any stop leaves whole."""

import csv
import fcntl
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows, {column: text} each; none where there is no table yet.

    Args:
        path: the CSV file.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def known(path: Path, key: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the rows that a table holds, by the values of some columns.

    Args:
        path: the CSV file.
        key: the columns that tell one row from another.
    """
    return {tuple(row[name] for name in key) for row in read(path)}


def append(path: Path, row: Mapping[str, object]) -> None:
    """Add a row, whole or not at all; several processes may do so at a time.

    Args:
        path: the CSV file; made with its head line where there is none.
        row: {column: value}, all columns in their order.
    """
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _drop_torn_end(file)
        head = [[*row]] if file.tell() == 0 else []
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*head, [*row.values()]])
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
