"""Before and after, side by side."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import keras

from tfprune import tasks
from tfprune.costs.timing import latencies
from tfprune.reporting.measurement import Measurement, measure, timed, width_of


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
        width = width_of(after)
        return "\n".join(
            f"{name:<{width}}{a:>12} {b:>12} {c:>14}".rstrip() for name, a, b, c in rows
        )

    def _changes(self) -> Iterator[tuple[str, str]]:
        before, after = self.before, self.after
        for name in before.results.keys() & after.results.keys():
            change = after.results[name] - before.results[name]
            points = tasks.is_share(name)
            yield name, f"{100 * change:+.2f} points" if points else f"{change:+.4f}"
        yield "parameters", _share(before.parameters, after.parameters)
        yield "MACs", _share(before.macs, after.macs)
        yield "file, bytes", _share(before.file_bytes or 0, after.file_bytes or 0)
        times = {latency.batch_size: latency.seconds for latency in after.latencies}
        for latency in (one for one in before.latencies if one.batch_size in times):
            faster = latency.seconds / times[latency.batch_size]
            yield timed(latency), f"{faster:.2f}x as fast"


def compare(
    before: keras.Model,
    after: keras.Model,
    *,
    results: Sequence[Mapping[str, float]] = ({}, {}),
    paths: Sequence[str | os.PathLike | None] = (None, None),
    batch_sizes: Sequence[int] = (1, 64),
    runtime: str = "keras",
) -> Comparison:
    """Measure two models against each other, their latencies by turns.

    Args:
        before: the unpruned model.
        after: the pruned model.
        results: figures of both on the test split, such as `training.evaluate` returns.
        paths: the files of both, for their sizes.
        batch_sizes: batches to time; none for no timing.
        runtime: where they are timed, as for `tfprune.latency`.

    Returns:
        The comparison.

    Raises:
        PruningError: as `measure`.

    Example:
        >>> import keras
        >>> x = keras.Input((4,), name="x")
        >>> model = keras.Model(x, keras.layers.Dense(2, name="d")(x))
        >>> compare(model, model, batch_sizes=()).after.parameters
        10
    """
    models = (before, after)
    times = latencies(models, batch_sizes, runtime) if batch_sizes else [(), ()]
    sides = [
        replace(
            measure(model, results=figures, path=path, batch_sizes=()),
            latencies=own,
        )
        for model, figures, path, own in zip(models, results, paths, times, strict=True)
    ]
    return Comparison(*sides)


def _share(before: int, after: int) -> str:
    return f"{100 * (after / before - 1):+.1f}%" if before else ""
