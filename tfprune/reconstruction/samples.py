"""The samples that a reconstruction looks at, and whether they suit the original model."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.rules import has_role
from tfprune.passes.micro_batches import Part
from tfprune.passes.model_calls import input_tensors, run_calls
from tfprune.passes.parts import Parts, in_parts
from tfprune.passes.reader import read
from tfprune.reconstruction.portions import Portion, Portions

PORTION = 100  # samples that are computed at a time; a fixed number, whatever the caller's batches
_FAR = 3.0  # deviations between a statistic and the samples' mean, or its logarithm's
_SPREAD = 10.0  # factor between a statistic and the samples' variance


def portions_of(model: keras.Model, data: Any) -> Portions:
    """Return all samples as portions of a fixed size, each a flat list of the model's inputs.

    Args:
        model: the model.
        data: batches in any form; of those of `tfprune.data` each of several workers reads its
            own portions alone.

    Raises:
        PruningError: no sample, samples of other or of several shapes, or NaN among them.
    """

    def made(part: Part) -> Portion:
        tensors = zip(_fitting(model, part[0]), model.inputs, strict=True)
        return [tf.cast(x, spec.dtype) for x, spec in tensors]

    fixed = model.inputs[0].shape[0]
    parts = in_parts(data, model, "reconstruct", size=PORTION) if fixed is None else None
    if not isinstance(parts, Parts):
        return Portions.whole(_cut(model, data, fixed))
    if workers.count() > 1:
        return Portions.apart(parts, made)
    return Portions.whole(list(map(made, parts)))


def _cut(model: keras.Model, data: Any, fixed: int | None) -> list[Portion]:
    """Return all samples of any data; of a model that takes so many at a time the last may lack."""
    batches = [_fitting(model, batch.inputs) for batch in read(data, model, "reconstruct")]
    shapes = sorted({tuple(tuple(x.shape[1:]) for x in batch) for batch in batches})
    if len(shapes) > 1:
        raise PruningError(
            f"reconstruct: all samples must have one shape, received {shapes[0]} and {shapes[1]}. "
            "Resize or pad them alike."
        )
    whole = [tf.concat(parts, axis=0) for parts in zip(*batches, strict=True)]
    whole = [tf.cast(x, spec.dtype) for x, spec in zip(whole, model.inputs, strict=True)]
    count = int(whole[0].shape[0])
    if fixed is None:
        return [[x[i : i + PORTION] for x in whole] for i in range(0, count, PORTION)]
    if count < fixed:
        raise PruningError(
            f"reconstruct: the model takes {fixed} samples at a time, received {count}."
        )
    return [[x[i : i + fixed] for x in whole] for i in range(0, count - fixed + 1, fixed)]


def _fitting(model: keras.Model, inputs: Any) -> list[tf.Tensor]:
    """Return a batch's tensors; refuse those of other shapes than the model's inputs."""
    tensors = input_tensors(model, inputs)
    wanted = [tuple(x.shape[1:]) for x in model.inputs]
    found = [tuple(x.shape[1:]) for x in tensors]
    fits = len(wanted) == len(found) and all(
        len(a) == len(b) and all(n in (None, m) for n, m in zip(a, b, strict=True))
        for a, b in zip(wanted, found, strict=True)
    )
    if not fits:
        raise PruningError(
            f"reconstruct: samples of shapes {found} do not suit {model.name!r}, which takes "
            f"{wanted}. Pass batches of its inputs, each with the number of samples first."
        )
    return tensors


def suitability(graph: ChannelGraph, portion: Sequence[tf.Tensor]) -> list[str]:
    """Say where samples are unlike those that the original was trained on.

    The first batch normalisation knows the moments of what it was trained on: images that are
    scaled otherwise, the most common mistake, show there.

    Args:
        graph: channel graph of the original model.
        portion: some samples.
    """
    found: list[tuple[str, float, float]] = []

    def call(operation: Any, args: tuple, kwargs: dict) -> Any:
        if has_role(operation, "batch_normalisation"):
            found.append((operation.name, *_distance(operation, np.asarray(args[0]))))
            raise _FoundError
        return operation(*args, **kwargs)

    if any(has_role(owner.operation, "batch_normalisation") for owner in graph.owners.values()):
        with suppress(_FoundError):  # a run to the end would hold all maps at once
            run_calls(graph.model, list(portion), call)
    if not found or (found[0][1] <= _FAR and 1 / _SPREAD <= found[0][2] <= _SPREAD):
        return []
    name, shift, spread = found[0]
    return [
        f"the samples are unlike the training's: at {name!r} their mean is {shift:.2g} deviations "
        f"from the statistics and their variance {spread:.2g} times theirs; scale them as in "
        "training"
    ]


class _FoundError(Exception):
    """Ends a run where what it looks for is found."""


def _distance(norm: Any, x: np.ndarray) -> tuple[float, float]:
    """Return how far means are away, in deviations, and the ratio of variances, in the median."""
    axes = tuple(axis for axis in range(x.ndim) if axis != norm.axis % x.ndim)
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy() + norm.epsilon
    shift = np.abs(x.mean(axes) - mean) / np.sqrt(variance)
    return float(np.median(shift)), float(np.median((x.var(axes) + norm.epsilon) / variance))
