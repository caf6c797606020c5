"""LiteRT with float16 weights: half the size."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfprune.exporting.formats import _litert
from tfprune.exporting.formats._litert import held, hold, load

__all__ = ["TOLERANCE", "held", "hold", "load", "parts", "refuse", "target", "write"]

TOLERANCE = 5e-3


def target(directory: Path) -> Path:
    """Return the file in a directory."""
    return directory / "model_float16.tflite"


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Convert the model."""
    _litert.write(model, path, quantize=True, dtype=tf.float16)


def parts(
    models: Sequence[keras.Model], threads: int | None = None
) -> list[Callable[[list[np.ndarray]], list[np.ndarray]]]:
    """Return the function of each model, converted together."""
    return _litert.parts(models, threads, quantize=True, dtype=tf.float16)
