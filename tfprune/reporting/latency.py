"""How long a model takes for a batch."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError


@dataclass(frozen=True)
class Latency:
    """The time that inference takes, measured.

    Args:
        batch_size: images per call.
        seconds: median over the repeats of the seconds that one call takes.
        fastest: the fewest seconds that a call took.
        repeats: timed calls.
        quartiles: seconds that a quarter of the calls, and three quarters, took at most.
    """

    batch_size: int
    seconds: float
    fastest: float
    repeats: int
    quartiles: tuple[float, float] = (0.0, 0.0)


def measure_latency(
    model: keras.Model, *, batch_size: int = 1, repeats: int = 40, warm_up: int = 5
) -> Latency:
    """Measure how long a model takes for one batch, as a compiled graph on this machine.

    The median is reported, since a busy machine delays some calls and hastens none.

    Args:
        model: a model with one input; free sizes of it are taken as 32.
        batch_size: images per call, at least 1.
        repeats: timed calls, at least 1.
        warm_up: calls before those, which also compile the graph.

    Returns:
        The measured latency.

    Raises:
        PruningError: a size or count below its least, or a model with several inputs.

    Example:
        >>> import keras
        >>> x = keras.Input((4,), name="x")
        >>> model = keras.Model(x, keras.layers.Dense(2, name="d")(x))
        >>> measure_latency(model, batch_size=8).seconds > 0
        True
    """
    (latency,) = measure_latencies([model], batch_size=batch_size, repeats=repeats, warm_up=warm_up)
    return latency


def measure_latencies(
    models: Sequence[keras.Model], *, batch_size: int = 1, repeats: int = 40, warm_up: int = 5
) -> list[Latency]:
    """Measure models by turns, so that what else the machine does slows all of them alike.

    Args:
        models: as for `measure_latency`.
        batch_size: images per call, at least 1.
        repeats: timed calls of each model, at least 1.
        warm_up: calls of each model before those.

    Returns:
        One latency per model.

    Raises:
        PruningError: as `measure_latency`.
    """
    if batch_size < 1 or repeats < 1 or warm_up < 0:
        raise PruningError(
            "Latency needs batch_size >= 1, repeats >= 1 and warm_up >= 0, received "
            f"{batch_size}, {repeats} and {warm_up}."
        )
    calls = [_call(model, batch_size) for model in models]
    for call in calls:
        for _ in range(warm_up):
            call()
    rounds = [[_timed(call) for call in calls] for _ in range(repeats)]
    return [
        Latency(batch_size, statistics.median(times), min(times), repeats, _quartiles(times))
        for times in zip(*rounds, strict=True)
    ]


def _call(model: keras.Model, batch_size: int) -> Callable[[], None]:
    if len(model.inputs) != 1:
        raise PruningError(
            f"Latency is measured for models with one input, received {len(model.inputs)}."
        )
    (given,) = model.inputs
    sizes = [size or 32 for size in given.shape[1:]]
    images = tf.constant(np.zeros((batch_size, *sizes)), given.dtype)
    infer = tf.function(lambda x: model(x, training=False))

    def call() -> None:
        for output in tf.nest.flatten(infer(images)):
            output.numpy()  # a GPU computes on after the call has returned

    return call


def _quartiles(times: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(times, (0.25, 0.75))
    return float(low), float(high)


def _timed(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
