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
                              before        after         change
        parameters             1,000          300         -70.0%
        MACs                   8,000        2,000         -75.0%
    """

    before: Measurement
    after: Measurement

    def to_json(self) -> dict[str, Any]:
        """Return both measurements as numbers, strings, lists and dicts."""
        return asdict(self)

    def __str__(self) -> str:
        changes = dict(self._changes())
        after = dict(self.after.rows())
        rows = [("", "before", "after", "change")]
        rows += [
            (name, x, after[name], changes[name]) for name, x in self.before.rows() if name in after
        ]
        return "\n".join(f"{name:<16}{a:>12} {b:>12} {c:>14}".rstrip() for name, a, b, c in rows)

    def _changes(self) -> Iterator[tuple[str, str]]:
        before, after = self.before, self.after
        for name in before.results.keys() & after.results.keys():
            change = after.results[name] - before.results[name]
            points = name == "accuracy"
            yield name, f"{100 * change:+.2f} points" if points else f"{change:+.4f}"
        yield "parameters", _share(before.parameters, after.parameters)
        yield "MACs", _share(before.macs, after.macs)
        yield "file, bytes", _share(before.file_bytes or 0, after.file_bytes or 0)
        times = {latency.batch_size: latency.seconds for latency in after.latencies}
        for latency in (one for one in before.latencies if one.batch_size in times):
            faster = latency.seconds / times[latency.batch_size]
            yield f"batch of {latency.batch_size}", f"{faster:.2f}x as fast"


def _share(before: int, after: int) -> str:
    return f"{100 * (after / before - 1):+.1f}%" if before else ""
