"""Before and after, side by side."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tfprune.reporting.measurement import Measurement


@dataclass(frozen=True)
class Comparison:
    """Two measurements of one task; `str()` is a table, `to_json()` a plain value.

    Args:
        before: the unpruned model's.
        after: the pruned model's.

    Example:
        >>> print(Comparison(Measurement({}, 1000, 8000), Measurement({}, 300, 2000)))
                              before        after       change
        parameters             1,000          300       -70.0%
        MACs                   8,000        2,000       -75.0%
    """

    before: Measurement
    after: Measurement

    def to_json(self) -> dict[str, Any]:
        """Return both measurements as numbers, strings, lists and dicts."""
        return asdict(self)

    def __str__(self) -> str:
        rows = [("", "before", "after", "change"), *self._rows()]
        return "\n".join(f"{name:<16}{a:>12} {b:>12} {c:>12}".rstrip() for name, a, b, c in rows)

    def _rows(self) -> Iterator[tuple[str, str, str, str]]:
        before, after = self.before, self.after
        for name in (key for key in before.results if key in after.results):
            yield _result(name, before.results[name], after.results[name])
        yield _count("parameters", before.parameters, after.parameters)
        yield _count("MACs", before.macs, after.macs)
        if before.file_bytes is not None and after.file_bytes is not None:
            yield _count("file, bytes", before.file_bytes, after.file_bytes)
        times = {latency.batch_size: latency.seconds for latency in after.latencies}
        for latency in (one for one in before.latencies if one.batch_size in times):
            yield _time(latency.batch_size, latency.seconds, times[latency.batch_size])


def _result(name: str, before: float, after: float) -> tuple[str, str, str, str]:
    if name != "accuracy":
        return name, f"{before:.4f}", f"{after:.4f}", f"{after - before:+.4f}"
    points = f"{100 * (after - before):+.2f} pts"
    return name, f"{100 * before:.2f}%", f"{100 * after:.2f}%", points


def _count(name: str, before: int, after: int) -> tuple[str, str, str, str]:
    return name, f"{before:,}", f"{after:,}", f"{100 * (after / before - 1):+.1f}%"


def _time(batch_size: int, before: float, after: float) -> tuple[str, str, str, str]:
    milliseconds = f"{1e3 * before:.2f} ms", f"{1e3 * after:.2f} ms"
    return f"batch of {batch_size}", *milliseconds, f"{before / after:.2f}x as fast"
