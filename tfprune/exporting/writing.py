"""Write each format under a temporary name, compare it with the model, then rename it."""

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np

from tfprune import plugins
from tfprune.data import Preprocessing
from tfprune.errors import PruningError
from tfprune.exporting import _signature
from tfprune.exporting import formats as known
from tfprune.files import atomic_path, sweep
from tfprune.files import known as is_known
from tfprune.passes.reader import all_inputs


def export(
    model: keras.Model,
    directory: str | os.PathLike,
    *,
    formats: Sequence[str] = ("saved_model",),
    inputs: Any = None,
    preprocessing: Preprocessing | None = None,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Write a model in the formats that servers read, each proven equal to the model.

    Every file is loaded again by its format's own runtime before it gets its name; one whose
    outputs differ from the model's is removed. `saved_model` is written in the versioned layout of
    TensorFlow Serving, so that `directory` is a servable base path: the next number is taken.

    Args:
        model: a built Keras model with named inputs.
        directory: the folder to write into; made if it is missing.
        formats: names among "saved_model", "keras", "tflite", "tflite_float16",
            "tflite_dynamic_range", "onnx" and "openvino".
        inputs: what to compare outputs on, in any form that `tfprune.score` takes, for instance
            a list with one array [N, ...] per input of the model, N >= 1. Without them standard
            normal numbers are used (zeros for integer inputs), with a free size of 32.
        preprocessing: what raw images go through, and the labels; `saved_model` then takes raw
            images or the bytes of files and gives probabilities and logits. It is written beside
            the files, too.
        overwrite: replace files that are already there; a version of a SavedModel never is.

    Returns:
        For each format the path of what was written.

    Raises:
        PruningError: an unknown or repeated format, an existing target without `overwrite`, a
            model that the format cannot hold, a missing optional package, or outputs that are
            not finite, all zero, or differ by more than the format's tolerance (1e-5 of the
            output's scale for the exact formats).

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4,), name="image")
        >>> model = keras.Model(image, keras.layers.Dense(2, name="head")(image))
        >>> export(model, tempfile.mkdtemp(), formats=["keras"])["keras"].name
        'model.keras'
    """
    modules = require_formats(model, formats)
    sweep(directory, below=False)  # it may be any folder of the user's
    targets = {name: module.target(Path(directory)) for name, module in modules.items()}
    for name, target in targets.items():
        if target.exists() and not overwrite:
            raise PruningError(
                f"The target {target} of format {name!r} exists. Expected a new place; "
                "choose another directory or pass overwrite=True."
            )
    if inputs is None:
        batch = _signature.example_inputs(model)
    else:
        batch = keras.tree.flatten(all_inputs(inputs, model, "export"))
    expected = _signature.outputs(model, batch)
    for name, module in modules.items():
        with atomic_path(targets[name]) as temporary:
            received = _write(name, module, model, temporary, batch, preprocessing)
            _require_equal(name, model, expected, received, module.TOLERANCE)
    if preprocessing is not None:
        preprocessing.save(directory)
    return targets


def require_formats(model: keras.Model, formats: Sequence[str]) -> dict[str, ModuleType]:
    """Find formats by name and refuse those that cannot hold a model, before a long training.

    Args:
        model: the model, or one of the same layers.
        formats: names of formats.

    Returns:
        {name: module}

    Raises:
        PruningError: an unknown or repeated format, a missing optional package, or a model that
            the format cannot hold.

    Example:
        >>> import keras
        >>> image = keras.Input((4,), name="image")
        >>> list(require_formats(keras.Model(image, image), ["keras"]))
        ['keras']
    """
    if isinstance(formats, str) or not formats or len(set(formats)) != len(formats):
        raise PruningError(
            "formats must be a non-empty sequence of different names, received "
            f"{formats!r}. Valid names: {', '.join(plugins.names(known))}."
        )
    found = {name: plugins.find(known, name, "export format") for name in formats}
    _signature.require_graph(model)
    for module in found.values():
        module.refuse(model)
    return found


def _write(
    name: str,
    module: ModuleType,
    model: keras.Model,
    path: Path,
    batch: list[np.ndarray],
    preprocessing: Preprocessing | None,
) -> list[np.ndarray]:
    serves = preprocessing is not None and hasattr(module, "serve")
    try:
        if serves:
            module.serve(model, path, preprocessing)
            module.check(path, model, preprocessing)
        else:
            module.write(model, path)
        return _signature.to_float64(module.load(path, model)(batch))
    except PruningError:
        raise
    except Exception as error:  # converters and runtimes raise types of their own
        if isinstance(error, OSError) and is_known(error):
            raise
        raise PruningError(
            f"Format {name!r} cannot hold the model {model.name!r}: {type(error).__name__}: "
            f"{textwrap.shorten(str(error), 300)} Nothing was left behind; another format may "
            "hold it."
        ) from error


def _require_equal(
    name: str,
    model: keras.Model,
    expected: list[np.ndarray],
    received: list[np.ndarray],
    tolerance: float,
) -> None:
    tolerance = max(tolerance, _signature.resolution(model))
    for output, wanted, got in zip(_signature.output_names(model), expected, received, strict=True):
        scale = np.abs(wanted).max()
        if not np.isfinite(scale) or scale == 0:
            raise PruningError(
                f"Format {name!r} cannot be checked: the model's output {output!r} has the "
                f"largest value {scale} on the inputs compared. Expected finite values that are "
                "not all zero; pass inputs= that resemble real ones."
            )
        difference = np.abs(wanted - got).max() if wanted.shape == got.shape else np.inf
        if not difference <= tolerance * scale:
            raise PruningError(
                f"Format {name!r} was removed again: its output {output!r} differs from the "
                f"model's. Expected shape {wanted.shape} and a difference of at most "
                f"{tolerance:g} of the output's scale {scale:g}; received shape {got.shape} and "
                f"{difference / scale:g}. Another format may hold this model."
            )
