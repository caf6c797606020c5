"""Give a Keras model the weights of a PyTorch checkpoint."""

import os
from collections.abc import Sequence

import keras
import numpy as np

from tfprune import plugins
from tfprune.errors import PruningError
from tfprune.training.copying import copy_model
from tfprune.weights import layouts
from tfprune.weights._matching import Wanted, match
from tfprune.weights.checkpoint import read
from tfprune.weights.report import WeightsReport


def load(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    layout: str,
    ignore: Sequence[str] = (),
    strict: bool = True,
) -> tuple[keras.Model, WeightsReport]:
    """Return a copy of a model with the weights of a PyTorch checkpoint.

    Tensors and variables match by name, by way of the layout, and by shape; a model with fewer
    channels takes a checkpoint with as few. The shapes are compared before anything is copied.

    Args:
        model: a functional model with the layers' names of the layout; it stays as it is.
        path: the checkpoint, see `tfprune.weights.read`.
        layout: what the checkpoint calls its modules: a name of `tfprune.weights.names()`.
        ignore: patterns of tensors that may stay unused, e.g. "aux_classifier.*".
        strict: refuse a checkpoint when a variable has no tensor of its shape or a tensor no
            variable; else such variables keep their values, and the report names them.

    Returns:
        The copy, not compiled, and the report.

    Raises:
        PruningError: an unknown layout, a pattern that matches no tensor, a checkpoint that
            cannot be read or does not match (every name is listed up to ten of a kind), or one
            of which nothing at all matches.

    Example:
        >>> import json, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "head.safetensors"
        >>> header = {"fc.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}
        >>> text = json.dumps(header).encode()
        >>> numbers = np.float32([3, 4]).tobytes()
        >>> _ = path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
        >>> x = keras.Input((2,))
        >>> y = keras.layers.Dense(1, use_bias=False, name="classifier")(x)
        >>> loaded, report = load(keras.Model(x, y), path, layout="torchvision_resnet")
        >>> loaded.get_layer("classifier").get_weights()[0].tolist()
        [[3.0], [4.0]]
        >>> report.loaded
        {'fc.weight': 'classifier/kernel'}
    """
    module = plugins.find(layouts, layout, "layout")
    tensors = read(path)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    report, found = match(model, shapes, module, ignore)
    if not found or (strict and not report.complete):
        raise PruningError(_refusal(model, path, report))
    return _filled(model, tensors, found), report


def names() -> list[str]:
    """Return the names of all layouts.

    Example:
        >>> "torchvision_resnet" in names()
        True
    """
    return plugins.names(layouts)


def _filled(model: keras.Model, tensors: dict[str, np.ndarray], found: Wanted) -> keras.Model:
    filled = copy_model(model)
    for name, (layer, source) in found.items():
        place = next(i for i, weight in enumerate(layer.weights) if weight is source.variable)
        variable = filled.get_layer(layer.name).weights[place]
        variable.assign(source.convert(tensors[name]).astype(variable.dtype))
    return filled


def _refusal(model: keras.Model, path: str | os.PathLike, report: WeightsReport) -> str:
    return (
        f"{path} does not match the model {model.name!r} under the layout {report.layout!r}: "
        "expected a tensor for every variable and a variable for every tensor, received "
        f"{len(report.loaded)} that match and\n{report.problems()}\n"
        f"Check the model and its number of classes, the layout (one of {', '.join(names())}), or "
        "name tensors to pass over with ignore; strict=False loads what matches."
    )
