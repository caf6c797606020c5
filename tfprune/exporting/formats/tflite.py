"""LiteRT (TensorFlow Lite) with float32 weights."""

from pathlib import Path

import keras

from tfprune.exporting.comparing import EXACT
from tfprune.exporting.formats import _litert
from tfprune.exporting.formats._litert import held, hold, load, parts

__all__ = ["TOLERANCE", "held", "hold", "load", "parts", "refuse", "target", "write"]

TOLERANCE = EXACT


def target(directory: Path) -> Path:
    """Return the file in a directory."""
    return directory / "model.tflite"


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Convert the model."""
    _litert.write(model, path)
