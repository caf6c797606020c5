"""New statistics for batch normalisation, without training."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import all_layers, random_states
from tfprune.graph.rules import has_role
from tfprune.passes.batch import Batch
from tfprune.passes.divided import Divided, unsized
from tfprune.passes.means import Means
from tfprune.passes.micro_batches import Part
from tfprune.passes.parts import in_parts
from tfprune.passes.progress import counting
from tfprune.passes.reader import ARRAY_BATCH
from tfprune.training.copying import copy_model


def recalibrate(
    model: keras.Model,
    data: Any,
    *,
    limit: int | None = None,
    batch_size: int = ARRAY_BATCH,
) -> keras.Model:
    """Estimate the moving statistics of batch normalisation anew, weights as they are.

    The mean and variance become the plain average over the batches' own, each batch with the
    weight of its samples: no momentum, no trace of the old statistics. Worth doing after a cut,
    before or in place of fine-tuning. Within the scope of a `tf.distribute` strategy each replica
    takes whole batches in turn: the result is that of one replica to the bit.

    Args:
        model: a functional or sequential model; it is not changed.
        data: inputs, or (inputs, labels), in any form that `tfprune.score` takes. Arrays that
            hold all samples are cut into batches.
        limit: batches to use at most; None: all.
        batch_size: samples per batch where arrays hold all samples.

    Returns:
        A copy with the new statistics.

    Raises:
        PruningError: the model has no batch normalisation, there is no batch, or data of another
            form.

    Example:
        >>> layers = [keras.Input((3,)), keras.layers.BatchNormalization(name="norm")]
        >>> new = recalibrate(keras.Sequential(layers), [np.full((4, 3), 5.0)])
        >>> new.get_layer("norm").moving_mean.numpy().tolist()
        [5.0, 5.0, 5.0]
    """
    require_statistics(model)
    copy = copy_model(model)
    layers = _normalisations(copy)
    before = [(layer.momentum, layer.trainable, _synchronised(layer)) for layer in layers]
    for layer in layers:
        layer.momentum, layer.trainable = 0.0, True  # a batch's statistics replace the old ones
        _synchronise(layer, False)  # each replica has a batch of its own
    parts = in_parts(data, copy, "recalibrate", _part, limit=limit, batch_size=batch_size)
    averages = _average(copy, layers, parts)
    for layer, (momentum, trainable, synchronised) in zip(layers, before, strict=True):
        layer.momentum, layer.trainable = momentum, trainable
        _synchronise(layer, synchronised)
    for variable, average in zip(_statistics(layers), averages, strict=True):
        variable.assign(average)
    return copy


def require_statistics(model: keras.Model) -> None:
    """Refuse a model without batch normalisation, whose statistics cannot be estimated.

    Raises:
        PruningError: there is none.
    """
    if not _normalisations(model):
        raise PruningError(f"The model {model.name!r} has no BatchNormalization to recalibrate.")


def _average(
    model: keras.Model, layers: list[keras.Layer], parts: Iterable[Part]
) -> list[np.ndarray]:
    """Return the statistics, averaged over the parts, each of which one replica computes."""
    seeds = random_states(model)

    def step(inputs: Any, number: tf.Tensor) -> list[tf.Tensor]:
        # By the batch's number, not by how many this replica has seen before.
        states = [(v, tf.cast(v.value, v.dtype) + tf.cast(number[0], v.dtype)) for v in seeds]
        with keras.StatelessScope(states) as scope:
            model(inputs, training=True)
        return [tf.convert_to_tensor(scope.get_current_value(v)) for v in _statistics(layers)]

    means = Means()
    with counting("samples") as count:
        for _, size, found in Divided(step).over(parts, unsized):
            sums = {str(i): size * x.astype(np.float64) for i, x in enumerate(found)}
            means.add(sums, size)
            count(size)
    return list(means.over_samples("recalibrate").values())


def _part(number: int, batch: Batch) -> Part:
    return batch.inputs, np.full(batch.size, number, np.int32)


def _statistics(layers: list[keras.Layer]) -> list[keras.Variable]:
    return [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]


def _synchronised(layer: keras.Layer) -> bool:
    return getattr(layer, "synchronized", False)


def _synchronise(layer: keras.Layer, value: bool) -> None:
    if hasattr(layer, "synchronized"):
        layer.synchronized = value


def _normalisations(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in all_layers(model) if has_role(layer, "batch_normalisation")]
