"""LiteRT with float16 weights: half the size."""

from pathlib import Path

import keras
import tensorflow as tf

from tfprune.exporting.formats import _litert
from tfprune.exporting.formats._litert import load

__all__ = ["TOLERANCE", "load", "refuse", "target", "write"]

TOLERANCE = 5e-3


def target(directory: Path) -> Path:
    """Return the file in a directory."""
    return directory / "model_float16.tflite"


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Convert the model."""
    _litert.write(model, path, quantize=True, dtype=tf.float16)
