"""LiteRT with int8 weights and float activations: a quarter of the size."""

from pathlib import Path

import keras

from tfprune.exporting import _litert
from tfprune.exporting._litert import run

__all__ = ["FILE", "TOLERANCE", "refuse", "run", "write"]

FILE = "model_dynamic_range.tflite"
TOLERANCE = 5e-2


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Convert the model."""
    _litert.write(model, path, quantize=True)
