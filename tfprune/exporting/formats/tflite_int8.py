"""LiteRT in int8 throughout, inputs and outputs too: a quarter of the size, for any processor.

Scales and zero points of inputs and outputs stand in the file: real = scale * (stored - zero).
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import keras
import numpy as np

from tfprune.exporting._signature import example_inputs
from tfprune.exporting.formats import _litert
from tfprune.exporting.formats._litert import held, hold, load

__all__ = ["MEASURES", "TOLERANCE", "held", "hold", "load", "parts", "refuse", "target", "write"]

TOLERANCE = 0.1  # of outputs that are no answers; for those there is the agreement
MEASURES = True
_RANDOM = 16


def target(directory: Path) -> Path:
    """Return the file in a directory."""
    return directory / "model_int8.tflite"


def refuse(model: keras.Model) -> None:
    """Accept every model: which operations have no int8 form the converter knows."""


def write(
    model: keras.Model, path: Path, samples: Iterable[list[np.ndarray]] | None = None
) -> None:
    """Convert the model, with the ranges of all values measured on samples.

    Args:
        model: the model.
        path: the file to write.
        samples: flat inputs [B, ...] each, as in training but not augmented; None: random ones,
            which is enough to measure how long the file takes.
    """
    random = [example_inputs(model, _RANDOM)]
    _litert.write(model, path, samples=random if samples is None else samples)


def parts(
    models: Sequence[keras.Model], threads: int | None = None
) -> list[Callable[[list[np.ndarray]], list[np.ndarray]]]:
    """Return the function of each model, converted together, with ranges of random samples."""
    samples = [[example_inputs(model, _RANDOM)] for model in models]
    return _litert.parts(models, threads, samples=samples)
