"""ONNX, for ONNX Runtime, TensorRT and others; needs the extra `tfprune[export]`."""

import importlib
import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.exporting import _signature
from tfprune.graph.rules import has_role

FILE = "model.onnx"
TOLERANCE = 1e-5


def refuse(model: keras.Model) -> None:
    """Refuse without the optional packages, and grouped convolutions.

    Keras computes a grouped convolution on the CPU by a call that tf2onnx leaves in the file
    as an unknown operation: the file would be invalid.
    """
    missing = [name for name in ("tf2onnx", "onnxruntime") if not importlib.util.find_spec(name)]
    if missing:
        raise PruningError(
            f"Format 'onnx' needs the packages tf2onnx and onnxruntime, not installed: "
            f"{', '.join(missing)}. Install them with: pip install 'tfprune[export]'."
        )
    grouped = [
        layer.name
        for layer in _layers(model)
        if has_role(layer, "convolution") and getattr(layer, "groups", 1) > 1
    ]
    if grouped:
        raise PruningError(
            "Format 'onnx' cannot hold grouped convolutions: tf2onnx leaves them in the file as "
            f"an operation that no runtime knows. Expected groups=1, received groups > 1 in: "
            f"{', '.join(grouped)}. Export 'saved_model' or 'tflite' instead."
        )


def write(model: keras.Model, path: Path) -> None:
    """Convert the model, which must have been called once (the comparison has done it)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx is written against older NumPy
        model.export(str(path), format="onnx", verbose=False)


def run(path: Path, model: keras.Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the outputs of ONNX Runtime, float64 [N, ...] each."""
    onnxruntime = importlib.import_module("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    named = dict(zip(_signature.input_names(model), inputs, strict=True))
    return _signature.to_float64(session.run(None, named))


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
