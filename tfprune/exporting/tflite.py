"""LiteRT (TensorFlow Lite) with float32 weights."""

from pathlib import Path

import keras

from tfprune.exporting import _litert
from tfprune.exporting._litert import run

__all__ = ["FILE", "TOLERANCE", "refuse", "run", "write"]

FILE = "model.tflite"
TOLERANCE = 1e-5


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Convert the model."""
    _litert.write(model, path)
