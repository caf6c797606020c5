"""The sweep's table, as CSV and as markdown."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from tests.zoo.sweep import Row
from tfprune import files


def write(rows: Sequence[Row], folder: Path) -> None:
    """Write zoo.csv and zoo.md, so that an interrupted sweep leaves what it measured."""
    cells = [row.cells() for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(cells[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    files.write_text(folder / "zoo.csv", text.getvalue())
    files.write_text(folder / "zoo.md", markdown(cells))


def markdown(cells: Sequence[dict[str, str]]) -> str:
    """Return rows of equal keys as a markdown table."""
    head = list(cells[0])
    lines = [head, ["---"] * len(head), *(list(row.values()) for row in cells)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
