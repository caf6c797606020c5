"""Keras' own format, for training on."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfprune.exporting import _signature
from tfprune.exporting._members import METADATA, append, member
from tfprune.exporting.comparing import EXACT
from tfprune.files import load_model

TOLERANCE = EXACT


def target(directory: Path) -> Path:
    """Return the file in a directory."""
    return directory / "model.keras"


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Write the model without an optimizer."""
    model.save(path, include_optimizer=False)


def load(
    path: Path, model: keras.Model, threads: int | None = None
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function that the reloaded model computes."""
    del model
    return direct(load_model(path), threads)


def direct(
    model: keras.Model, threads: int | None = None
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function that a model computes, as a compiled graph."""
    _signature.require_threads("keras", threads)
    infer = _compiled(model)

    def call(inputs: list[np.ndarray]) -> list[np.ndarray]:
        return [output.numpy() for output in infer(placed(inputs))]

    return call


def parts(
    models: Sequence[keras.Model], threads: int | None = None
) -> list[Callable[[list[tf.Tensor]], list[tf.Tensor]]]:
    """Return the function of each model, of what `placed` gives: a layer copies nothing."""
    _signature.require_threads("keras", threads)
    return [_compiled(model) for model in models]


def placed(inputs: list[np.ndarray]) -> list[tf.Tensor]:
    """Return inputs as the functions of `parts` take them."""
    return [tf.constant(x) for x in inputs]


def _compiled(model: keras.Model) -> Callable[[list[tf.Tensor]], list[tf.Tensor]]:
    """Return a function that traces each shape itself: TensorFlow warns where it does so often."""
    function = tf.function(lambda inputs: _signature.call(model, inputs))
    graphs: dict[tuple, Callable] = {}

    def infer(inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        shapes = tuple(tuple(x.shape) for x in inputs)
        if shapes not in graphs:
            graphs[shapes] = function.get_concrete_function(inputs)
        return graphs[shapes](inputs)

    return infer


def hold(path: Path, text: str) -> None:
    """Put metadata into the archive that the file is."""
    append(path, {METADATA: text})


def held(path: Path) -> str | None:
    """Return the metadata; None: there are none, or it is another format's file."""
    return member(path, METADATA) if path.suffix == ".keras" else None
