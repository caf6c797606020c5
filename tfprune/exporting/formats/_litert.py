"""What the LiteRT formats share: they differ in how numbers are stored."""

import contextlib
import json
import re
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune import quiet
from tfprune.exporting import _constants
from tfprune.exporting._members import METADATA, append, member
from tfprune.exporting._operations import naming_layers
from tfprune.exporting._signature import input_names, output_names
from tfprune.passes.progress import tell

_SIGNATURE = "serving_default"
_CREATED = re.compile(rb"INFO: Created TensorFlow Lite .*\n")  # once in a process
_QUANTIZED = re.compile(rb"fully_quantize: .*\n")
_LACKING = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")
Samples = Iterable[list[np.ndarray]]  # flat inputs [B, ...] each


def write(
    model: keras.Model,
    path: Path,
    *,
    quantize: bool = False,
    dtype: tf.DType | None = None,
    samples: Samples | None = None,
) -> None:
    """Convert by way of a SavedModel, which carries the names of inputs and outputs.

    Args:
        model: the model.
        path: the file to write.
        quantize: store weights in fewer bits.
        dtype: the weights' type when quantizing; int8 when it is None.
        samples: what ranges are measured on: all is computed in int8 then, and what has no such
            form is an error.
    """
    with tempfile.TemporaryDirectory() as folder:
        _constants.write({_SIGNATURE: model}, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        measured = None if samples is None else {_SIGNATURE: (model, samples)}
        with naming_layers("LiteRT", model, _LACKING):
            path.write_bytes(_converted(converter, quantize, dtype, measured))


def parts(
    models: Sequence[keras.Model],
    threads: int | None = None,
    *,
    quantize: bool = False,
    dtype: tf.DType | None = None,
    samples: Sequence[Samples] | None = None,
) -> list[Callable[[list[np.ndarray]], list[np.ndarray]]]:
    """Return the function of each model, all of one file with a signature for each.

    Args:
        models: functional models with one output each.
        threads: how many the interpreter computes with.
        quantize: as for `write`.
        dtype: as for `write`.
        samples: as for `write`, of each model.
    """
    names = [f"part_{place}" for place in range(len(models))]
    measured = None
    if samples is not None:
        measured = dict(zip(names, zip(models, samples, strict=True), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        _constants.write(dict(zip(names, models, strict=True)), folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, names)
        content = _converted(converter, quantize, dtype, measured)
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
    return _runner(interpreter, _SIGNATURE, input_names(model), output_names(model))


def _converted(
    converter: Any,
    quantize: bool,
    dtype: tf.DType | None,
    measured: Mapping[str, tuple[keras.Model, Samples]] | None,
) -> bytes:
    if quantize or measured is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if dtype is not None:
        converter.target_spec.supported_types = [dtype]
    with _quiet(), contextlib.ExitStack() as quantizing:  # what measures ranges is an interpreter
        if measured is not None:

            def samples() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
                yield from _one_by_one(measured)
                # Only now, since what is left out is seen by nobody until the end.
                quantizing.enter_context(quiet.left_out(_QUANTIZED))

            converter.representative_dataset = samples
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


def _one_by_one(
    measured: Mapping[str, tuple[keras.Model, Samples]],
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    # The converter does not follow a batch size that changes.
    done = 0
    for signature, (model, samples) in measured.items():
        for arrays in samples:
            for place in range(len(arrays[0])):
                own = (array[place : place + 1] for array in arrays)
                yield signature, dict(zip(input_names(model), own, strict=True))
            done += len(arrays[0])
            tell(done, what="samples")


def _interpreter(threads: int | None, **source: Any) -> Any:
    with _quiet(), quiet.left_out(_CREATED):
        interpreter = tf.lite.Interpreter(num_threads=threads, **source)
        interpreter.allocate_tensors()  # else the first call does, and tells of it
    return interpreter


def hold(path: Path, text: str) -> None:
    """Append metadata, and the labels as a file of their own, which Android's readers look for."""
    labels = json.loads(text).get("labels")
    append(path, {METADATA: text} | ({"labels.txt": "\n".join(labels)} if labels else {}))


def held(path: Path) -> str | None:
    """Return the metadata; None: there are none, or it is another format's file."""
    return member(path, METADATA) if path.suffix == ".tflite" else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Pass over the announced move to another package: this TensorFlow carries its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter")
        yield


def _runner(
    interpreter: Any, signature: str, takes: list[str], gives: list[str]
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    runner = interpreter.get_signature_runner(signature)
    doors, exits = runner.get_input_details(), runner.get_output_details()

    def run(inputs: list[np.ndarray]) -> list[np.ndarray]:
        named = zip(takes, inputs, strict=True)
        received = runner(**{name: _stored(array, doors[name]) for name, array in named})
        return [_real(received[name], exits[name]) for name in gives]

    return run


def _stored(array: np.ndarray, details: Mapping[str, Any]) -> np.ndarray:
    """Return real numbers as the file takes them."""
    scale, zero = details["quantization"]
    if not scale:
        return array
    limits = np.iinfo(details["dtype"])
    return np.clip(np.rint(array / scale + zero), limits.min, limits.max).astype(details["dtype"])


def _real(array: np.ndarray, details: Mapping[str, Any]) -> np.ndarray:
    """Return what the file gives as real numbers."""
    scale, zero = details["quantization"]
    return (array.astype(np.float32) - zero) * scale if scale else array
