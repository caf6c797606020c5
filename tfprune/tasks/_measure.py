"""The loss of a batch as (sum, count), so that what does not count changes nothing."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.keras_private import mask_of
from tfprune.tasks._task import Loss, Task


class Measured(NamedTuple):
    """What a loss says of a batch; its mean over any samples is sum(losses) / sum(counts).

    Args:
        losses: the weighted sum over the places of each sample, float32 [B].
        counts: what it is to be divided by, float32 [B]: the places that count.
        weights: what each place counts for itself, float32 [B, ...]: 0 in a void one, else its
            sample weight.
    """

    losses: tf.Tensor
    counts: tf.Tensor
    weights: tf.Tensor


Measure = Callable[..., Measured]


def measure(
    loss: Loss,
    task: Task,
    class_weight: Sequence[float] | None = None,
    *,
    dtype: str = "float32",
) -> Measure:
    """Return a function (labels, outputs, weights=None) -> `Measured`.

    A Keras loss is asked before its reduction, which would divide by the batch of one replica
    where a distributed run needs that of all. As Keras does it, the mean is over all places that
    are not void, whatever their sample weights; with reduction="mean_with_sample_weight" it is
    over the weights. The two masks that Keras knows count as well: that of the loss
    (`ignore_class`) and that of the outputs (`Masking`).

    Args:
        loss: a Keras loss or a function (labels, outputs) -> [B] or [B, ...].
        task: knows the void label, and which class a label names.
        class_weight: what the loss of each class counts, beside the sample weights; the figures
            of the task do not see it.
        dtype: in which it is computed: a model of double precision is scored in it.

    Example:
        >>> from tfprune import tasks
        >>> found = measure(keras.losses.MeanSquaredError(), tasks.find("regression"))(
        ...     tf.constant([[1.0, 3.0], [1.0, 1.0]]), tf.zeros((2, 2)), tf.constant([1.0, 0.5]))
        >>> found.losses.numpy().tolist(), found.counts.numpy().tolist()
        ([5.0, 0.5], [1.0, 1.0])
    """
    values_of = loss.call if isinstance(loss, keras.losses.Loss) else loss
    by_weight = getattr(loss, "reduction", None) == "mean_with_sample_weight"

    def measured(
        labels: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor | None = None
    ) -> Measured:
        labels, valid = task.counted(labels)
        found = values_of(labels, tf.cast(outputs, dtype))
        values = tf.cast(found, dtype)
        places = tf.ones_like(values)
        for mask in (valid, mask_of(found), mask_of(outputs)):
            if mask is not None:
                places *= tf.cast(_same_rank(mask, values, task), dtype)
        values = tf.where(places > 0, values, tf.zeros((), dtype))
        each = places if weights is None else places * tf.cast(fitted(weights, values), dtype)
        felt = each
        if class_weight is not None:
            own = tf.gather(tf.constant(class_weight, tf.float32), task.numbers(labels, outputs))
            felt = each * tf.cast(fitted(own, values), dtype)
        counts = _per_sample(felt if by_weight else places)
        return Measured(_per_sample(values * felt), counts, each)

    return measured


def fitted(weights: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Return weights as float32 that broadcast over the places of another tensor.

    Args:
        weights: [B], or with the first axes of `like`, or with more: their mean counts then.
        like: [B, ...].

    Raises:
        PruningError: weights of a shape that does not belong to it.

    Example:
        >>> fitted(tf.constant([2.0, 3.0]), tf.zeros((2, 4, 4, 1))).shape
        TensorShape([2, 4, 4, 1])
    """
    weights, rank = tf.cast(weights, tf.float32), like.shape.rank
    if weights.shape.rank == rank + 1 and weights.shape[-1] == 1:
        weights = tf.squeeze(weights, -1)
    if weights.shape.rank > rank:
        weights = tf.reduce_mean(weights, axis=range(rank, weights.shape.rank))
    known = zip(weights.shape, like.shape, strict=False)
    if weights.shape.rank == 0 or any(None not in pair and pair[0] != pair[1] for pair in known):
        raise PruningError(
            f"Weights of shape {tuple(weights.shape)} do not suit losses of shape "
            f"{tuple(like.shape)}: expected one for each sample, or for each place of it."
        )
    spread = tf.reshape(
        weights, [*tf.unstack(tf.shape(weights)), *[1] * (rank - len(weights.shape))]
    )
    return tf.broadcast_to(spread, tf.shape(like))


def _same_rank(mask: tf.Tensor, values: tf.Tensor, task: Task) -> tf.Tensor:
    """Return a mask of the shape of the losses."""
    if mask.shape.rank == values.shape.rank + 1 and mask.shape[-1] == 1:
        mask = tf.squeeze(mask, -1)
    if mask.shape.rank != values.shape.rank:
        raise PruningError(
            f"Task {task.name!r} has void labels of shape {tuple(mask.shape)}, received losses of "
            f"shape {tuple(values.shape)}: expected one for each label. Use a loss with them, "
            "such as the cross-entropy, or a task without a void label."
        )
    return mask


def _per_sample(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.reshape(values, [tf.shape(values)[0], -1]), axis=1)
