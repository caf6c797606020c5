"""TensorFlow SavedModel, in the versioned layout of TensorFlow Serving."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfprune.exporting._signature import call, input_names, output_names, to_float64

FILE = "1"  # the model's version: TensorFlow Serving looks for numbered folders
TOLERANCE = 1e-5


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Write one signature with the model's own input and output names and a free batch size."""
    names = output_names(model)

    def serve(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, call(model, list(tensors)), strict=True))

    archive = keras.export.ExportArchive()
    archive.track(model)
    specs = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for tensor, name in zip(model.inputs, input_names(model), strict=True)
    ]
    archive.add_endpoint("serving_default", serve, input_signature=specs)
    archive.write_out(str(path), verbose=False)


def run(path: Path, model: keras.Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the outputs of the loaded signature, float64 [N, ...] each."""
    # A signature dies with the object it was loaded from, so that object keeps a name.
    loaded = tf.saved_model.load(str(path))
    named = dict(zip(input_names(model), map(tf.constant, inputs), strict=True))
    received = loaded.signatures["serving_default"](**named)
    return to_float64([received[name] for name in output_names(model)])
