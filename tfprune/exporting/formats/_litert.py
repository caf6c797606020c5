"""What the LiteRT formats share: they differ in how weights are stored."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfprune.exporting._signature import input_names, output_names
from tfprune.exporting.formats import saved_model


def write(
    model: keras.Model, path: Path, *, quantize: bool = False, dtype: tf.DType | None = None
) -> None:
    """Convert by way of a SavedModel, which carries the names of inputs and outputs.

    Args:
        model: the model.
        path: the file to write.
        quantize: store weights in fewer bits.
        dtype: the weights' type when quantizing; int8 when it is None.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved_model.write(model, Path(folder) / "model")
        converter = tf.lite.TFLiteConverter.from_saved_model(f"{folder}/model")
        if quantize:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if dtype is not None:
            converter.target_spec.supported_types = [dtype]
        path.write_bytes(converter.convert())


def load(
    path: Path, model: keras.Model, threads: int | None = None
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function that the interpreted file computes."""
    with warnings.catch_warnings():
        # The announced move to another package; this TensorFlow still carries its own.
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter")
        interpreter = tf.lite.Interpreter(model_path=str(path), num_threads=threads)
    runner = interpreter.get_signature_runner("serving_default")
    takes, gives = input_names(model), output_names(model)

    def call(inputs: list[np.ndarray]) -> list[np.ndarray]:
        received = runner(**dict(zip(takes, inputs, strict=True)))
        return [received[name] for name in gives]

    return call
