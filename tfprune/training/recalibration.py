"""New statistics for batch normalisation, without training."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import all_layers
from tfprune.graph.rules import has_role
from tfprune.passes.reader import ARRAY_BATCH, Batch, read
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
    before or in place of fine-tuning.

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
    before = [(layer.momentum, layer.trainable) for layer in layers]
    for layer in layers:
        layer.momentum, layer.trainable = 0.0, True  # a batch's statistics replace the old ones
    batches = read(data, copy, "recalibrate", limit=limit, batch_size=batch_size)
    averages = _average(copy, layers, batches)
    for layer, (momentum, trainable), average in zip(layers, before, averages, strict=True):
        layer.momentum, layer.trainable = momentum, trainable
        layer.moving_mean.assign(average[0])
        layer.moving_variance.assign(average[1])
    return copy


def require_statistics(model: keras.Model) -> None:
    """Refuse a model without batch normalisation, whose statistics cannot be estimated.

    Raises:
        PruningError: there is none.
    """
    if not _normalisations(model):
        raise PruningError(f"The model {model.name!r} has no BatchNormalization to recalibrate.")


def _average(
    model: keras.Model, layers: list[keras.Layer], batches: Iterable[Batch]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the mean and variance of each layer, averaged over the batches."""
    forward = tf.function(lambda batch: model(batch, training=True), reduce_retracing=True)
    sums, total = [0.0] * (2 * len(layers)), 0
    for batch in batches:
        forward(keras.tree.map_structure(tf.convert_to_tensor, batch.inputs))
        found = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
        arrays = (v.value.numpy().astype(np.float64) for v in found)
        sums = [so_far + batch.size * array for so_far, array in zip(sums, arrays, strict=True)]
        total += batch.size
    means = [array / total for array in sums]
    return list(zip(means[::2], means[1::2], strict=True))


def _normalisations(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in all_layers(model) if has_role(layer, "batch_normalisation")]
