"""What was measured, as text and as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring import Timing


@dataclass(frozen=True)
class Result:
    """What was measured on one network.

    Args:
        network: its name.
        operations: the calls in its graph.
        times: {task: timing}; the peer's tasks are "peer graph" and "peer prune".
        memory: peak memory of pruning as a share of the two models', and of their weights', if it
            was measured.
    """

    network: str
    operations: int
    times: Mapping[str, Timing]
    memory: tuple[float, float] | None

    def ratio(self, task: str, other: str) -> str:
        """Return how many times as long as another a task takes, by the medians; "-" without."""
        if task not in self.times or other not in self.times:
            return "-"
        return f"{self.times[task].median / self.times[other].median:.2f}"


def summary(results: Sequence[Result]) -> str:
    """Return one line per network: the times in milliseconds and the ratios that count."""
    head = ("network", "operations", "analyse", "us/operation", "/peer graph", "all", "/floor",
            "/peer prune", "memory/models", "memory/weights")  # fmt: skip
    return _aligned([head, *map(_line, results)])


def _line(result: Result) -> tuple[str, ...]:
    analyse, prune = result.times["analyse"].median, result.times["all"].median
    return (
        result.network,
        str(result.operations),
        f"{1e3 * analyse:.1f}",
        f"{1e6 * analyse / result.operations:.0f}",
        result.ratio("analyse", "peer graph"),
        f"{1e3 * prune:.0f}",
        result.ratio("all", "floor"),
        result.ratio("all", "peer prune"),
        *(("-", "-") if result.memory is None else (f"{share:.2f}" for share in result.memory)),
    )


def times(results: Sequence[Result]) -> str:
    """Return one line per network and task: median and least time in milliseconds."""
    head = ("network", "task", "median", "least")
    return _aligned([head, *((r[0], r[2], r[3], r[4]) for r in _rows(results))])


def comma_separated(results: Sequence[Result]) -> str:
    """Return every figure as CSV with a head line; milliseconds, memory as a share."""
    head = ("network", "operations", "task", "median", "least", "rounds")
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows((head, *_rows(results)))
    return out.getvalue()


def _rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    rows = []
    for result in results:
        start = (result.network, str(result.operations))
        for task, timing in result.times.items():
            figures = (f"{1e3 * timing.median:.1f}", f"{1e3 * timing.least:.1f}")
            rows.append((*start, task, *figures, str(len(timing.seconds))))
        for what, share in zip(("models", "weights"), result.memory or (), strict=False):
            rows.append((*start, f"memory/{what}", f"{share:.2f}", "", "1"))
    return rows


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
