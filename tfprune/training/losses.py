"""The loss of each sample of a batch."""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.heads import gives_probabilities

PerSample = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def choose(
    model: keras.Model, loss: object = None, label_smoothing: float = 0.0
) -> keras.losses.Loss | Callable:
    """Return the loss to train with: the given one, the model's, else a cross-entropy.

    The cross-entropy takes labels as class numbers [B, ...].

    Args:
        model: one output; if it is compiled with a loss, that one is used.
        loss: a Keras loss, its name, or a function (labels, outputs) -> [B].
        label_smoothing: of the cross-entropy, in [0, 1).

    Raises:
        PruningError: several losses or outputs, or label smoothing that could have no effect.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> choose(model).from_logits
        True
    """
    if len(model.outputs) != 1:
        raise PruningError(
            f"The model {model.name!r} has {len(model.outputs)} outputs; expected one."
        )
    given = loss if loss is not None else getattr(model, "loss", None)
    if given is None:
        from_logits = not gives_probabilities(model)
        if label_smoothing:
            return _smoothed(from_logits, label_smoothing)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    if label_smoothing:
        raise PruningError(
            f"label_smoothing={label_smoothing} has no effect on the given loss {given!r}: it "
            "belongs to the cross-entropy that is used without one. Set it in that loss."
        )
    if isinstance(given, (list, tuple, dict)):
        raise PruningError(f"Expected one loss, received {given!r}.")
    return keras.losses.get(given)


def per_sample(loss: keras.losses.Loss | Callable) -> PerSample:
    """Return a function (labels, outputs) -> float32 [B]: the mean over all other axes.

    A Keras loss is asked before its reduction, which would divide by the batch of one replica
    where a distributed run needs that of all.

    Example:
        >>> measure = per_sample(keras.losses.MeanSquaredError())
        >>> measure(tf.constant([[1.0, 3.0]]), tf.constant([[0.0, 0.0]])).numpy().tolist()
        [5.0]
    """
    values = loss.call if isinstance(loss, keras.losses.Loss) else loss

    def measure(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        losses = tf.cast(values(labels, tf.cast(outputs, tf.float32)), tf.float32)
        return tf.reduce_mean(tf.reshape(losses, [tf.shape(losses)[0], -1]), axis=1)

    return measure


def _smoothed(from_logits: bool, label_smoothing: float) -> PerSample:
    """Return the cross-entropy with smoothed labels; Keras has it for one-hot labels only."""
    loss = keras.losses.CategoricalCrossentropy(from_logits, label_smoothing)

    def smoothed(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return loss.call(tf.one_hot(tf.cast(labels, tf.int32), outputs.shape[-1]), outputs)

    return smoothed
