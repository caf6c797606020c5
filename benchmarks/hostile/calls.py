"""Calls of functions with arguments of a wrong type, size or spelling."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
import tfprune.data
from tfprune import files, runs, training, weights
from tfprune.data import preprocessing

Case = tuple[str, Callable[[Path], Any]]
_WRONG = (None, -1, 0, 1.5, float("nan"), float("inf"), "a", "", b"x", [], {}, [None], True, 10**30,
          object(), "crossentropy", np.ones(3))  # fmt: skip
_PATHS = ("", "a\0b", "x" * 5000, "\udcff", "/dev/null/x", "/proc/x", "a\nb", "\x1b[31m")


def tried(
    call: Callable[..., Any], names: Sequence[str], *given: Any, **others: Any
) -> Iterator[Case]:
    """Yield calls with each wrong value of each of some arguments.

    Args:
        call: what is called.
        names: of these arguments.
        *given: its other arguments, all right.
        **others: likewise by name; those in `names` are replaced.
    """
    for name in names:
        for value in _PATHS if name.endswith("_dir") else _WRONG:
            text = f"{call.__qualname__} {name}={value!r:.20}"
            settings = {**others, name: value}
            yield text, lambda folder, settings=settings: call(*given, **settings)


def arguments(draw: random.Random, canary: Path) -> Iterator[Case]:
    """Yield calls with arguments of a wrong type, size or spelling."""
    layers = [keras.Input((4,)), keras.layers.Dense(6, "relu", name="hidden"),
              keras.layers.BatchNormalization(), keras.layers.Dense(3)]  # fmt: skip
    model = keras.Sequential(layers)
    data = np.ones((8, 4), np.float32), np.arange(8) % 3
    graph = tfprune.analyse(model)
    scores = tfprune.score(graph, "l1", None)
    measured, trained = ("loss", "loss_weights", "task", "batch_size"), training.fine_tune
    yield from tried(training.evaluate, measured, model, data)
    yield from tried(training.recalibrate, ("limit", "batch_size"), model, data[0])
    yield from tried(training.Recipe, sorted(training.Recipe.__dataclass_fields__), epochs=1)
    own = ("loss", "validation", "seed", "batch_size", "task", "checkpoint_dir")
    yield from tried(trained, own, model, data, epochs=1)
    choosing = ("ratio", "macs", "params", "threshold", "scope", "round_to", "include", "ratios")
    yield from tried(tfprune.select, choosing, graph, scores)
    yield from tried(tfprune.score, ("coupled", "data"), graph, "taylor", data=data)
    own = ("name", "seed", "validation_size", "data_dir")
    yield from tried(tfprune.data.load, own, name="digits")
    own = ("batch_size", "augment", "normalisation", "seed")
    yield from tried(tfprune.data.load("digits").train.epochs, own, batch_size=4)
    for call in (
        files.load_model,
        runs.load_masks,
        weights.read,
        preprocessing.load,
        runs.report_text,
    ):
        for value in (path + end for path in _PATHS for end in ("", ".keras")):
            text = f"{call.__qualname__}({value!r:.20})"
            yield text, lambda folder, call=call, value=value: call(value)
