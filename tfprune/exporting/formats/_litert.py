"""What the LiteRT formats share: they differ in how weights are stored."""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.exporting._signature import call, input_names, output_names
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
        path.write_bytes(_converted(converter, quantize, dtype))


def parts(
    models: Sequence[keras.Model],
    threads: int | None = None,
    *,
    quantize: bool = False,
    dtype: tf.DType | None = None,
) -> list[Callable[[list[np.ndarray]], list[np.ndarray]]]:
    """Return the function of each model, all of one file with a signature for each.

    Args:
        models: functional models with one output each.
        threads: how many the interpreter computes with.
        quantize: as for `write`.
        dtype: as for `write`.
    """
    archive = keras.export.ExportArchive()
    names = [f"part_{place}" for place in range(len(models))]
    for name, model in zip(names, models, strict=True):
        specs = [tf.TensorSpec(x.shape, x.dtype, name=x.name) for x in model.inputs]
        archive.track(model)
        archive.add_endpoint(name, _answering(model), input_signature=specs)
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(f"{folder}/parts", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(f"{folder}/parts", names)
        content = _converted(converter, quantize, dtype)
    interpreter = _interpreter(threads, model_content=content)
    return [
        _runner(interpreter, name, input_names(model), output_names(model))
        for name, model in zip(names, models, strict=True)
    ]


def load(
    path: Path, model: keras.Model, threads: int | None = None
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function that the interpreted file computes."""
    interpreter = _interpreter(threads, model_path=str(path))
    return _runner(interpreter, "serving_default", input_names(model), output_names(model))


def _converted(converter: Any, quantize: bool, dtype: tf.DType | None) -> bytes:
    if quantize:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if dtype is not None:
        converter.target_spec.supported_types = [dtype]
    return converter.convert()


def _answering(model: keras.Model) -> Callable[..., dict[str, tf.Tensor]]:
    names = output_names(model)
    return lambda *tensors: dict(zip(names, call(model, list(tensors)), strict=True))


def _interpreter(threads: int | None, **source: Any) -> Any:
    with warnings.catch_warnings():
        # The announced move to another package; this TensorFlow still carries its own.
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter")
        return tf.lite.Interpreter(num_threads=threads, **source)


def _runner(
    interpreter: Any, signature: str, takes: list[str], gives: list[str]
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    runner = interpreter.get_signature_runner(signature)

    def run(inputs: list[np.ndarray]) -> list[np.ndarray]:
        received = runner(**dict(zip(takes, inputs, strict=True)))
        return [received[name] for name in gives]

    return run
