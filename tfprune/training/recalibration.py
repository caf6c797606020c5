"""New statistics for batch normalisation, without training."""

import itertools
from collections.abc import Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.rules import has_role
from tfprune.training.copying import copy_model


def recalibrate(model: keras.Model, batches: Iterable, *, limit: int | None = None) -> keras.Model:
    """Estimate the moving statistics of batch normalisation anew, weights as they are.

    The mean and variance become the plain average over the batches' own, each batch with the
    weight of its samples: no momentum, no trace of the old statistics. Worth doing after a cut,
    before or in place of fine-tuning.

    Args:
        model: a functional or sequential model; it is not changed.
        batches: a tf.data.Dataset, a PyDataset or any iterable of inputs or (inputs, labels).
        limit: batches to use at most; None: all.

    Returns:
        A copy with the new statistics.

    Raises:
        PruningError: the model has no batch normalisation, or there is no batch.

    Example:
        >>> layers = [keras.Input((3,)), keras.layers.BatchNormalization(name="norm")]
        >>> new = recalibrate(keras.Sequential(layers), [np.full((4, 3), 5.0)])
        >>> new.get_layer("norm").moving_mean.numpy().tolist()
        [5.0, 5.0, 5.0]
    """
    require_statistics(model)
    copy = copy_model(model)
    layers = list(_normalisations(copy))
    before = [(layer.momentum, layer.trainable) for layer in layers]
    for layer in layers:
        layer.momentum, layer.trainable = 0.0, True  # a batch's statistics replace the old ones
    averages = _average(copy, layers, itertools.islice(_inputs(batches), limit))
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
    if not any(_normalisations(model)):
        raise PruningError(f"The model {model.name!r} has no BatchNormalization to recalibrate.")


def _average(
    model: keras.Model, layers: list[keras.Layer], inputs: Iterable
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the mean and variance of each layer, averaged over the batches."""
    forward = tf.function(lambda batch: model(batch, training=True), reduce_retracing=True)
    sums, total = [0.0] * (2 * len(layers)), 0
    for batch in inputs:
        tensors = keras.tree.map_structure(tf.convert_to_tensor, batch)
        forward(tensors)
        count = int(keras.tree.flatten(tensors)[0].shape[0])
        found = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
        arrays = (v.value.numpy().astype(np.float64) for v in found)
        sums = [so_far + count * array for so_far, array in zip(sums, arrays, strict=True)]
        total += count
    if total == 0:
        raise PruningError("There is no batch to recalibrate with: expected at least one.")
    means = [array / total for array in sums]
    return list(zip(means[::2], means[1::2], strict=True))


def _inputs(batches: Iterable) -> Iterator:
    """Yield the inputs of each batch, without labels."""
    if isinstance(batches, keras.utils.PyDataset):  # its own iterator need not end
        batches = (batches[place] for place in range(len(batches)))
    for batch in batches:
        yield batch[0] if isinstance(batch, tuple) else batch


def _normalisations(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _normalisations(layer)
        elif has_role(layer, "batch_normalisation"):
            yield layer
