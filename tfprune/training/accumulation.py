"""Gradients of a batch that goes through the model in parts, one after the other."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfprune.training.objective import Objective


class Accumulated(NamedTuple):
    """What the parts of a batch add up to.

    Args:
        heads: for each head of the objective the gradients of the sum of its losses.
        layers: the gradients of the layers' own losses, their mean over the parts.
        counts: what each head's sum is to be divided by, [heads].
        sums: as `Objective.sums`, of the whole batch.
    """

    heads: tuple[tuple[tf.Tensor, ...], ...]
    layers: tuple[tf.Tensor, ...]
    counts: tf.Tensor
    sums: tf.Tensor


def accumulated(
    model: keras.Model,
    objective: Objective,
    batch: tuple,
    parts: int,
    *,
    measured: Callable[..., list],
    scaled: Callable[[tf.Tensor], tf.Tensor],
    own: Callable[[], tf.Tensor],
) -> Accumulated:
    """Return the gradients of a batch, of which one part at a time is held in memory.

    Args:
        model: the model.
        objective: the losses of its outputs.
        batch: (inputs, labels) or (inputs, labels, weights) of this replica, at least one sample.
        parts: how many; a batch of fewer samples has one part for each.
        measured: (inputs, labels, outputs, weights) -> what the loss of each head says.
        scaled: scales a loss, as a float16 optimizer wants it.
        own: returns the layers' own losses after a call of the model.
    """
    variables = [variable.value for variable in model.trainable_variables]
    samples = tf.shape(keras.tree.flatten(batch)[0])[0]
    count = tf.minimum(parts, samples)
    size = tf.cast(samples, tf.float32)

    def body(place: tf.Tensor, before: Accumulated) -> tuple[tf.Tensor, Accumulated]:
        begin, end = place * samples // count, (place + 1) * samples // count
        part = keras.tree.map_structure(lambda x: x[begin:end], batch)
        inputs, labels, weights = keras.utils.unpack_x_y_sample_weight(part)
        with tf.GradientTape(persistent=True) as tape:
            outputs = model(inputs, training=True)
            found = measured(inputs, labels, outputs, weights)
            # Sums over a batch would overflow in float16: they go through as shares of its mean.
            losses = [scaled(tf.reduce_sum(each.losses) / size) for each in found]
            layers = own()
            regular = scaled(layers / tf.cast(count, tf.float32))
        gradients = [_gradient(tape, loss, variables, size) for loss in losses]
        sums = [tf.reduce_sum(each.losses) for each in found]
        now = Accumulated(
            tuple(gradients),
            _gradient(tape, regular, variables, 1.0),
            tf.stack([tf.reduce_sum(each.counts) for each in found]),
            objective.sums(labels, outputs, found, sums, layers),
        )
        return place + 1, keras.tree.map_structure(tf.add, before, now)

    zeros = tuple(tf.zeros(v.shape, v.dtype) for v in variables)
    heads = len(objective.heads)
    nothing = Accumulated(
        (zeros,) * heads, zeros, tf.zeros([heads]), tf.zeros([objective.size], tf.float64)
    )
    _, found = tf.while_loop(
        lambda place, _: place < count, body, (tf.constant(0), nothing), parallel_iterations=1
    )
    return found


def _gradient(
    tape: tf.GradientTape, loss: tf.Tensor, variables: list[Any], factor: Any
) -> tuple[tf.Tensor, ...]:
    found = tape.gradient(loss, variables, unconnected_gradients="zero")
    return tuple(tf.convert_to_tensor(gradient) * factor for gradient in found)
