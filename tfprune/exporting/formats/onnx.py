"""ONNX, for ONNX Runtime, TensorRT and others; needs the extra `tfprune[export]`."""

import contextlib
import importlib
import importlib.util
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.exporting import _constants, _signature
from tfprune.exporting._joined import joined
from tfprune.exporting._members import METADATA
from tfprune.exporting.comparing import EXACT
from tfprune.exporting.formats._onnx_operations import erfc, require_known
from tfprune.graph.keras_graph import all_layers
from tfprune.graph.rules import has_role

TOLERANCE = EXACT
_SIGNATURE = "serving_default"


def target(directory: Path) -> Path:
    """Return the file in a directory."""
    return directory / "model.onnx"


def refuse(model: keras.Model) -> None:
    """Refuse without the optional packages, and grouped convolutions.

    Keras computes a grouped convolution on the CPU by a call that tf2onnx leaves in the file
    as an unknown operation: the file would be invalid.
    """
    require_packages()
    grouped = [
        layer.name
        for layer in all_layers(model)
        if has_role(layer, "convolution") and getattr(layer, "groups", 1) > 1
    ]
    if grouped:
        raise PruningError(
            "Format 'onnx' cannot hold grouped convolutions: tf2onnx leaves them in the file as "
            f"an operation that no runtime knows. Expected groups=1, received groups > 1 in: "
            f"{', '.join(grouped)}. Export 'saved_model' or 'tflite' instead."
        )


def require_packages() -> None:
    """Refuse without the optional packages."""
    missing = [name for name in ("tf2onnx", "onnxruntime") if not importlib.util.find_spec(name)]
    if missing:
        raise PruningError(
            f"Format 'onnx' needs the packages tf2onnx and onnxruntime, not installed: "
            f"{', '.join(missing)}. Install them with: pip install 'tfprune[export]'."
        )


def write(model: keras.Model, path: Path) -> None:
    """Convert by way of a SavedModel: its constants are in the file, those of a call are not."""
    loader = importlib.import_module("tf2onnx.tf_loader")
    convert = importlib.import_module("tf2onnx.convert")
    with _quiet(), tempfile.TemporaryDirectory() as folder:
        _constants.write({_SIGNATURE: model}, folder)
        graph, inputs, outputs, renamed = loader.from_saved_model(
            folder, None, None, signatures=[_SIGNATURE],
            return_tensors_to_rename=True,
        )  # fmt: skip
        convert.from_graph_def(
            graph, name=model.name, input_names=inputs, output_names=outputs,
            tensors_to_rename=renamed, output_path=str(path),
            custom_op_handlers={"Erfc": (erfc, [])},
        )  # fmt: skip
    require_known(path, model)


def hold(path: Path, text: str) -> None:
    """Put metadata into the model's properties."""
    onnx = importlib.import_module("onnx")
    found = onnx.load(path, load_external_data=False)
    onnx.helper.set_model_props(found, {METADATA: text})
    onnx.save(found, path)


def held(path: Path) -> str | None:
    """Return the metadata; None: there are none, or it is another format's file."""
    if path.suffix != ".onnx":
        return None
    require_packages()
    found = importlib.import_module("onnx").load(path, load_external_data=False)
    return {one.key: one.value for one in found.metadata_props}.get(METADATA)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to oneself what tf2onnx says about older NumPy and about TensorFlow 1."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "tf2onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def load(
    path: Path, model: keras.Model, threads: int | None = None
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function of ONNX Runtime."""
    names = _signature.input_names(model), _signature.output_names(model)
    return _session(str(path), threads, *names)


def parts(
    models: Sequence[keras.Model], threads: int | None = None
) -> list[Callable[[list[np.ndarray]], list[np.ndarray]]]:
    """Return the function of each model, converted together and taken apart again."""
    onnx = importlib.import_module("onnx")
    model, takes, gives = joined(models)
    with tempfile.TemporaryDirectory() as folder:
        write(model, Path(folder) / "parts.onnx")
        extractor = onnx.utils.Extractor(onnx.load(f"{folder}/parts.onnx"))
    return [
        _session(extractor.extract_model(*own).SerializeToString(), threads, *own)
        for own in zip(takes, gives, strict=True)
    ]


def _session(
    content: str | bytes, threads: int | None, takes: list[str], gives: list[str]
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function of a file or its content."""
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(gives, dict(zip(takes, inputs, strict=True)))
