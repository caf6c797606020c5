"""FGP: feature maps weighted by their gradients, class by class (Feature-Gradient-Prune)."""

from collections.abc import Callable, Iterable
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune import tasks
from tfprune.criteria._class_samples import Quota, Sample, by_label
from tfprune.criteria._convolutions import convolutions
from tfprune.criteria._heat import GRADIENTS, NORMS, support
from tfprune.criteria._mask_samples import by_mask
from tfprune.errors import PruningError, unknown
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.each import each
from tfprune.passes.micro_batches import micro_batch
from tfprune.passes.probe import Probe
from tfprune.passes.sites import linear
from tfprune.scoring.method import Method
from tfprune.tasks import Task

METHOD = Method(
    selector="mass",
    comparable=False,
    shares=True,
    amount={"threshold": 0.8},
    samples=0,  # all, until every class has its images
)


def score(
    graph: ChannelGraph,
    data: Any,
    heat_norm: str = "layer",
    gradient: str = "pooled",
    images_per_class: int | None = 10,
    task: str | Task = "classification",
    classes: Iterable[int] | None = None,
) -> dict[str, np.ndarray]:
    """Score each channel of the convolutions by its support of all classes.

    With y the logit of an image's class, A a channel's map and w the mean of dy/dA over its
    pixels: the heat map is ReLU(w A), its mean over the pixels the image's support. It is
    averaged over the images of a class, then over the classes, each of which counts alike. Maps
    are those of the convolution itself, before normalisation and activation, also an activation
    of its own; the model runs as at inference. A layer that is called several times adds up the
    support of its calls.

    Args:
        graph: channel graph of the model.
        data: batches of (inputs, class numbers [N]); for segmentation of (inputs, class
            numbers [N, H, W]), or of inputs.
        heat_norm: "layer" divides an image's heat maps by their maximum over all channels of the
            layer, so that all images count alike; "none" takes them as they are; "channel"
            stretches each map to [0, 1], as the published script seems to.
        gradient: "pooled" as above; "elementwise" takes ReLU(dy/dA * A), an experiment.
        images_per_class: how many images of each class, the first that come: the scores depend on
            the order of the images then, not on how they are batched. None for all of them, in
            whatever order.
        task: a task of `tfprune.tasks` or its name; "classification": outputs [N, classes], an
            image counts for its label's class;
            "segmentation": outputs [N, H, W, classes], y is the sum of a class's logit over the
            pixels that the model takes for that class, or else over those that the labels do; an
            image without either does not count for the class.
        classes: the classes that count; None for all.

    Returns:
        {convolution: float64 [C]}, at least 0.

    Raises:
        PruningError: a bad option, no 2-D convolution, a class without images, labels or outputs
            that do not suit the task, a model that ends neither in a softmax nor in logits.
    """
    found = class_support(graph, data, heat_norm, gradient, images_per_class, task, classes)
    return {name: each.mean(0) for name, each in found.items()}


def class_support(
    graph: ChannelGraph,
    data: Any,
    heat_norm: str = "layer",
    gradient: str = "pooled",
    images_per_class: int | None = 10,
    task: str | Task = "classification",
    classes: Iterable[int] | None = None,
) -> dict[str, np.ndarray]:
    """Return each channel's support of each class, of which `score` returns the mean.

    Takes and raises what `score` does.

    Returns:
        {convolution: float64 [classes, C]}, at least 0; a row for each class that counts.
    """
    _require("heat_norm", heat_norm, NORMS)
    _require("gradient", gradient, GRADIENTS)
    task = tasks.find(task)
    _require("task", task.name, _tasks())
    if images_per_class is not None and not _is_count(images_per_class):
        raise PruningError(
            "fgp: images_per_class must be a whole number from 1 on, or None for all images; "
            f"received {images_per_class!r}."
        )
    sites = linear(graph, convolutions(graph, "fgp"))
    probe = Probe(graph, sites, differentiable=True, logits=True)
    quota = Quota(_counted(classes, probe, task), images_per_class)
    size = micro_batch(graph)
    taken = by_mask if task.per_pixel else by_label
    samples = taken(probe, data, quota, size, task)
    return _supports(
        probe, task, samples, quota, partial(support, norm=heat_norm, weights=gradient)
    )


def _supports(
    probe: Probe,
    task: Task,
    samples: Iterable[Sample],
    quota: Quota,
    reduce: Callable[..., tf.Tensor],
) -> dict[str, np.ndarray]:
    """Return {layer: float64 [classes, C]}, means over the images of a class."""

    def supports(inputs: list, numbers: tf.Tensor, *given: tf.Tensor) -> tuple:
        def target(logits: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(task.class_logit(logits, numbers, *given))

        found = probe.gradients(inputs, target)
        sums = {name: tf.add_n([reduce(*pair) for pair in pairs]) for name, pairs in found.items()}
        return numbers, sums

    place = {d: i for i, d in enumerate(quota.count)}
    sums: dict[str, np.ndarray] = {}
    for _, (numbers, found) in each(probe, supports, samples):
        for name, values in found.items():
            total = sums.setdefault(name, np.zeros((len(place), values.shape[1])))
            for d, value in zip(numbers.tolist(), values, strict=True):
                total[place[d]] += value
    quota.require_all()
    counts = np.array(list(quota.count.values()))[:, None]
    return {name: total / counts for name, total in sums.items()}


def _tasks() -> list[str]:
    """Return the names of the tasks whose labels are classes."""
    return [name for name in tasks.names() if isinstance(tasks.find(name), tasks.ClassTask)]


def _counted(classes: Iterable[int] | None, probe: Probe, task: tasks.ClassTask) -> list[int]:
    """Return the classes that count, and refuse outputs of another task."""
    if not task.suits((None, *probe.output_shape)):
        raise PruningError(
            f"fgp: task={task.name!r} expects outputs {[*task.axes, 'classes']}; model "
            f"{probe.model.name!r} gives {['N', *probe.output_shape]}. Choose another task of "
            f"{_tasks()}."
        )
    count = probe.output_shape[-1]
    if classes is None:
        return list(range(count))
    chosen = list(classes) if isinstance(classes, Iterable) else []
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(count)):
        raise PruningError(
            f"fgp: classes must be different class numbers from 0 to {count - 1}, or None for all "
            f"of them; received {classes!r}."
        )
    return chosen


def _require(option: str, value: object, valid: Iterable[str]) -> None:
    if value not in list(valid):
        raise unknown(f"{option} of criterion 'fgp'", value, valid)


def _is_count(value: object) -> bool:
    return isinstance(value, Integral) and value >= 1
