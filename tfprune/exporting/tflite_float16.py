"""LiteRT with float16 weights: half the size."""

from pathlib import Path

import keras
import tensorflow as tf

from tfprune.exporting import _litert
from tfprune.exporting._litert import run

__all__ = ["FILE", "TOLERANCE", "refuse", "run", "write"]

FILE = "model_float16.tflite"
TOLERANCE = 5e-3


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Convert the model."""
    _litert.write(model, path, quantize=True, dtype=tf.float16)
