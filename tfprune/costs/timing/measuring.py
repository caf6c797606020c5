"""Measure what inference takes."""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import keras
import numpy as np

from tfprune.checks import check_whole
from tfprune.costs.timing.runners import Runner
from tfprune.costs.timing.turns import by_turns, check_batch_sizes


@dataclass(frozen=True)
class Latency:
    """The time that inference takes, measured; `print` shows the median and the quartiles.

    Args:
        batch_size: samples per call.
        seconds: median over the repeats of the seconds that one call takes.
        fastest: the fewest seconds that a call took.
        repeats: timed calls.
        quartiles: seconds that a quarter of the calls, and three quarters, took at most.
        runtime: name of the format whose runtime made the calls.
        threads: how many it computed with; None for its own choice.
        clock: "wall" or "processor".
    """

    batch_size: int
    seconds: float
    fastest: float
    repeats: int
    quartiles: tuple[float, float] = (0.0, 0.0)
    runtime: str = "keras"
    threads: int | None = None
    clock: str = "wall"

    def __str__(self) -> str:
        low, high = (f"{1e3 * x:.2f}" for x in self.quartiles)
        return (
            f"batch of {self.batch_size}: {1e3 * self.seconds:.2f} ms ({low} to {high}, half of "
            f"{self.repeats} calls; {self.runtime}, {self.clock} clock)"
        )


def latency(
    model: keras.Model,
    batch_sizes: Sequence[int] = (1,),
    runtime: str = "keras",
    *,
    threads: int | None = None,
    repeats: int = 40,
    warm_up: int = 5,
    clock: str = "wall",
) -> tuple[Latency, ...]:
    """Measure how long a model takes for a batch, in the runtime that is to serve it.

    The median is reported, since a busy machine delays some calls and hastens none. Models that
    are compared should be measured by turns: `tfprune.timing.latencies`.

    Args:
        model: a built model; free sizes of its inputs are taken as 32.
        batch_sizes: samples per call, each at least 1.
        runtime: name of an export format: "keras" (the model as a compiled graph),
            "saved_model", "tflite" (LiteRT), "tflite_float16", "tflite_dynamic_range", "onnx"
            (ONNX Runtime) or "openvino"; the model is written in it, and called by its runtime.
        threads: how many the runtime computes with, None for its own choice. TensorFlow's, for
            "keras" and "saved_model", are set once a process, by `tf.config.threading`.
        repeats: timed calls, at least 1.
        warm_up: calls before those, which also compile.
        clock: "wall", or "processor": what all threads of this process computed, for a machine
            that others use, too.

    Returns:
        One latency per batch size.

    Raises:
        PruningError: an unknown runtime or clock, a package that is missing, a model that the
            runtime cannot hold, or a size or count below its least.

    Example:
        >>> import keras, tfprune
        >>> x = keras.Input((4,), name="x")
        >>> model = keras.Model(x, keras.layers.Dense(2, name="d")(x))
        >>> one, many = tfprune.latency(model, batch_sizes=(1, 64), runtime="tflite")
        >>> one.seconds > 0, many.batch_size
        (True, 64)
    """
    (found,) = latencies(
        [model], batch_sizes, runtime, threads=threads, repeats=repeats, warm_up=warm_up,
        clock=clock,
    )  # fmt: skip
    return found


def latencies(
    models: Sequence[keras.Model],
    batch_sizes: Sequence[int] = (1,),
    runtime: str = "keras",
    *,
    threads: int | None = None,
    repeats: int = 40,
    warm_up: int = 5,
    clock: str = "wall",
) -> list[tuple[Latency, ...]]:
    """Measure models by turns, so that what else the machine does slows all of them alike.

    Args:
        models: as for `tfprune.latency`.
        batch_sizes: as for `tfprune.latency`.
        runtime: as for `tfprune.latency`.
        threads: as for `tfprune.latency`.
        repeats: timed calls of each model.
        warm_up: as for `tfprune.latency`.
        clock: as for `tfprune.latency`.

    Returns:
        For each model one latency per batch size.

    Raises:
        PruningError: as `tfprune.latency`.

    Example:
        >>> import keras
        >>> x = keras.Input((4,), name="x")
        >>> model = keras.Model(x, keras.layers.Dense(2, name="d")(x))
        >>> len(latencies([model, model], repeats=3))
        2
    """
    check_batch_sizes(batch_sizes)
    if threads is not None:
        check_whole("threads", threads)
    with ExitStack() as opened:
        runners = [opened.enter_context(Runner(model, runtime, threads)) for model in models]
        found = [
            of_runners(runners, size, repeats=repeats, warm_up=warm_up, clock=clock)
            for size in batch_sizes
        ]
    return list(zip(*found, strict=True))


def of_runners(
    runners: Sequence[Runner],
    batch_size: int,
    *,
    repeats: int = 40,
    warm_up: int = 5,
    clock: str = "wall",
    anew: bool = False,
) -> list[Latency]:
    """Measure models that are ready, by turns.

    Args:
        runners: the models in their runtimes.
        batch_size: samples per call.
        repeats: as for `latencies`.
        warm_up: as for `latencies`.
        clock: as for `latencies`.
        anew: load or compile each once more, as for `Runner.on_samples`.
    """
    calls = [runner.on_samples(batch_size, anew=anew) for runner in runners]
    rounds = by_turns(calls, repeats=repeats, warm_up=warm_up, clock=clock)
    return [
        _latency(batch_size, times, runner, clock)
        for times, runner in zip(rounds, runners, strict=True)
    ]


def _latency(size: int, times: Sequence[float], runner: Runner, clock: str) -> Latency:
    low, high = map(float, np.quantile(times, (0.25, 0.75)))
    median, count = statistics.median(times), len(times)
    spread = (low, high)
    return Latency(size, median, min(times), count, spread, runner.runtime, runner.threads, clock)
