"""The pictures of a pruning run, beside its report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.criteria import fgp
from tfprune.data import DataSet
from tfprune.data.classes import Classes
from tfprune.errors import PruningError
from tfprune.files import make_folder
from tfprune.graph.analysis import analyse
from tfprune.reporting.figures.class_support import class_support
from tfprune.reporting.figures.heat_maps import heat_maps
from tfprune.reporting.figures.predictions import predictions
from tfprune.runs.plan import Plan
from tfprune.runs.recorded_training import Feeding

_FGP = "fgp"
_OPTIONS = ("heat_norm", "gradient", "images_per_class", "task", "classes")
_IMAGES, _CLASSES, _ENDS = 3, 3, 2  # pictures, their classes, and channels of each end


def require_figures(method: str, data: DataSet) -> None:
    """Refuse a run of which there is nothing to draw.

    Args:
        method: name of the method.
        data: the data set.

    Raises:
        PruningError: neither a method with heat maps nor masks.
    """
    if method != _FGP and data.colours is None:
        raise PruningError(
            f"figures have no effect with method {method!r} on {data.name!r}: heat maps are those "
            f"of {_FGP!r}, and predictions are drawn of data with masks. Leave them out."
        )


def write_figures(
    folder: Path,
    models: tuple[keras.Model, keras.Model],
    masks: Mapping[str, np.ndarray],
    data: DataSet,
    feeding: Feeding,
    plan: Plan,
) -> list[Path]:
    """Draw what a pruning took and what it left, and write the pictures as PNG files.

    Of a data set with masks the predictions on three images of the test split; of FGP the support
    of each class by the layer that lost most, and the heat of its strongest and weakest channels.

    Args:
        folder: where `figures/` goes.
        models: the unpruned and the pruned one.
        masks: {layer: bool [C], True = kept}.
        data: the data set.
        feeding: how images become batches.
        plan: what was pruned, and how.

    Returns:
        The files.
    """
    folder = make_folder(folder / "figures")
    drawn = {}
    if data.colours is not None:
        drawn["predictions"] = _predictions(models, data, feeding)
    if plan.method == _FGP:
        drawn |= _of_fgp(models[0], masks, data, feeding, plan)
    paths = []
    for name, figure in drawn.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1])
    return paths


def _few(data: DataSet, feeding: Feeding, normalisation: str | None) -> tuple[np.ndarray, Any]:
    batches = data.test.batches(_IMAGES, shuffle=True, normalisation=normalisation)
    images, labels = next(iter(batches))
    return images.numpy(), labels.numpy()


def _predictions(models: tuple[keras.Model, keras.Model], data: DataSet, feeding: Feeding) -> Any:
    images, truth = _few(data, feeding, feeding.normalisation)
    pictures, _ = _few(data, feeding, "scale")
    found = [
        tf.argmax(data.task.answers(tf.constant(truth), model(images, training=False)), -1).numpy()
        for model in models
    ]
    return predictions(pictures, truth, *found, Classes(data.class_names, data.colours))


def _of_fgp(
    model: keras.Model,
    masks: Mapping[str, np.ndarray],
    data: DataSet,
    feeding: Feeding,
    plan: Plan,
) -> dict[str, Any]:
    options = {name: plan.options[name] for name in _OPTIONS if name in plan.options}
    sample = feeding.sample(data, plan.samples or 0)
    support = fgp.class_support(analyse(model), sample, **options)
    layer = max(support, key=lambda name: np.sum(~masks[name]) if name in masks else -1)
    keep = masks.get(layer, np.ones(support[layer].shape[1], bool))
    numbers = options.get("classes") or range(data.num_classes)
    names = [data.class_names[number] for number in numbers]
    order = np.argsort(-support[layer].mean(0), kind="stable")
    channels = list(dict.fromkeys([*order[:_ENDS].tolist(), *order[-_ENDS:].tolist()]))
    images, truth = _few(data, feeding, feeding.normalisation)
    pictures, _ = _few(data, feeding, "scale")
    there = np.bincount(truth[0].ravel(), minlength=256)[: data.num_classes]
    shown = [c for c in np.argsort(-there, kind="stable")[:_CLASSES].tolist() if there[c]]
    classes = {data.class_names[c]: c for c in shown}
    return {
        "class_support": class_support(support[layer], keep, names, layer),
        "heat_maps": heat_maps(model, images[0], pictures[0], layer, channels, classes),
    }
