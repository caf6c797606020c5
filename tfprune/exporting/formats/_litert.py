"""What the LiteRT formats share: they differ in how weights are stored."""

import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfprune.exporting._signature import input_names, output_names, to_float64
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


def run(path: Path, model: keras.Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the outputs of the interpreted file, float64 [N, ...] each."""
    with warnings.catch_warnings():
        # The announced move to another package; this TensorFlow still carries its own.
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter")
        interpreter = tf.lite.Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner("serving_default")
    received = runner(**dict(zip(input_names(model), inputs, strict=True)))
    return to_float64([received[name] for name in output_names(model)])
