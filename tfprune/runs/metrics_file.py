"""Metrics of each epoch as a CSV file that is whole at every moment."""

import csv
import io
import math
import os
from pathlib import Path
from typing import Any

import keras

from tfprune.errors import PruningError
from tfprune.files import read_text, write_text

_REMEDY = "Remove it: the rows of earlier epochs are lost, the training goes on."


class MetricsFile(keras.callbacks.Callback):
    """Write one row per epoch: the epoch (from 1) and what the training loop logs.

    Unlike `keras.callbacks.CSVLogger` it survives an interruption: a resumed training replaces
    the rows of epochs that it does again, and the file is never half written.

    Args:
        path: the CSV file.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/metrics.csv"
        >>> MetricsFile(path).on_epoch_end(0, {"loss": 0.5})
        >>> print(Path(path).read_text().strip())
        epoch,loss
        1,0.5
    """

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__()
        self.path = Path(path)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the row of an epoch (from 0), and drop those of later ones."""
        rows = [row for row in self._rows() if int(row["epoch"]) <= epoch]
        rows.append({"epoch": epoch + 1} | {name: float(x) for name, x in (logs or {}).items()})
        columns = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path, text.getvalue())

    def rows(self) -> list[dict[str, float | None]]:
        """Return a row per epoch as numbers; None for what is not a finite number.

        Example:
            >>> MetricsFile("no such file").rows()
            []
        """
        return [{name: _number(text) for name, text in row.items()} for row in self._rows()]

    def _rows(self) -> list[dict[str, Any]]:
        if not self.path.is_file():
            return []
        text = read_text(self.path, _REMEDY)
        try:
            rows = list(csv.DictReader(io.StringIO(text, newline="")))
            known = all(_is_of_an_epoch(row) for row in rows)
        except (csv.Error, ValueError):
            known = False
        if not known:
            raise PruningError(
                f"The file {self.path} is damaged: expected rows of numbers that begin with an "
                f"epoch. {_REMEDY}"
            )
        return rows


def _is_of_an_epoch(row: dict[Any, Any]) -> bool:
    """Return whether a row has a number, or nothing, in each column; else raise a ValueError."""
    if None in row or None in row.values():  # longer or shorter than the head
        return False
    for text in row.values():
        _number(text)
    return row.get("epoch", "").isdecimal()


def _number(text: str) -> float | None:
    if text.isdecimal():
        return int(text)
    return float(text) if text and math.isfinite(float(text)) else None
