"""One model's figures."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras

from tfprune import tasks
from tfprune.costs.model_cost import cost
from tfprune.costs.timing import Latency, latency
from tfprune.errors import PruningError


@dataclass(frozen=True)
class Measurement:
    """What a model gives and what it costs.

    Args:
        results: figures such as {"accuracy": 0.97, "loss": 0.1}, as `training.evaluate` returns.
        parameters: under the cost convention.
        macs: multiply-accumulates for one image, under the cost convention.
        file_bytes: size of its file; None when there is none.
        latencies: measured times, one per batch size.
    """

    results: Mapping[str, float]
    parameters: int
    macs: int
    file_bytes: int | None = None
    latencies: Sequence[Latency] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as numbers, strings, lists and dicts."""
        return asdict(self)

    def __str__(self) -> str:
        rows = dict(self.rows())
        width = width_of(rows)
        return "\n".join(f"{name:<{width}}{value:>12}" for name, value in rows.items())

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield what was measured by name, with the figure as text."""
        for name, value in sorted(self.results.items()):
            yield name, tasks.formatted(name, value)
        yield "parameters", f"{self.parameters:,}"
        yield "MACs", f"{self.macs:,}"
        if self.file_bytes is not None:
            yield "file, bytes", f"{self.file_bytes:,}"
        for one in self.latencies:
            yield timed(one), f"{1e3 * one.seconds:.2f} ms"


def timed(one: Latency) -> str:
    """Return what a row with a measured time is called.

    Example:
        >>> timed(Latency(8, 1e-3, 1e-3, 5, runtime="onnx"))
        'batch of 8, onnx'
    """
    return f"batch of {one.batch_size}" + ("" if one.runtime == "keras" else f", {one.runtime}")


def width_of(names: Iterable[str]) -> int:
    """Return the width of a column of names."""
    return max(16, *(len(name) + 2 for name in names))


def measure(
    model: keras.Model,
    *,
    results: Mapping[str, float] | None = None,
    path: str | os.PathLike | None = None,
    batch_sizes: Sequence[int] = (1, 64),
    convention: str = "mac",
) -> Measurement:
    """Measure a model's cost and latency, and put its results beside them.

    Args:
        model: a built model with one input.
        results: figures on the test split, if they are known.
        path: the model's file, for its size.
        batch_sizes: batches to time; none for no timing.
        convention: how costs are counted, see `tfprune.cost`.

    Returns:
        The measurement.

    Raises:
        PruningError: there is no file `path`, or an unknown convention.

    Example:
        >>> import keras
        >>> x = keras.Input((4,), name="x")
        >>> model = keras.Model(x, keras.layers.Dense(2, name="d")(x))
        >>> measure(model, batch_sizes=()).macs
        8
    """
    if path is not None and not Path(path).is_file():
        raise PruningError(f"There is no file {path} to take the size of; save the model first.")
    costs = cost(model, convention=convention)
    return Measurement(
        results=dict(results or {}),
        parameters=costs.params,
        macs=costs.macs,
        file_bytes=None if path is None else Path(path).stat().st_size,
        latencies=latency(model, batch_sizes) if batch_sizes else (),
    )
