"""Keras' own format, for training on."""

from pathlib import Path

import keras
import numpy as np

from tfprune.exporting import _signature
from tfprune.files import load_model

TOLERANCE = 1e-5


def target(directory: Path) -> Path:
    """Return the file in a directory."""
    return directory / "model.keras"


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Write the model without an optimizer."""
    model.save(path, include_optimizer=False)


def run(path: Path, model: keras.Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the outputs of the reloaded model, float64 [N, ...] each."""
    return _signature.outputs(load_model(path), inputs)
