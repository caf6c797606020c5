"""LiteRT with int8 weights and float activations: a quarter of the size."""

from pathlib import Path

import keras

from tfprune.exporting.formats import _litert
from tfprune.exporting.formats._litert import load

__all__ = ["TOLERANCE", "load", "refuse", "target", "write"]

TOLERANCE = 5e-2


def target(directory: Path) -> Path:
    """Return the file in a directory."""
    return directory / "model_dynamic_range.tflite"


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Convert the model."""
    _litert.write(model, path, quantize=True)
