"""One step of training or evaluation, as a graph that is traced once.

Both take an iterator over batches and the sums so far, and return the new sums: a float64
[3] of (loss, right answers, samples). Adding up in the graph spares the host a wait per step.
"""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.passes.batches import MISFITS, misfit
from tfprune.training import optimizers
from tfprune.training.losses import PerSample
from tfprune.training.recipe import Recipe

Step = Callable[[Iterator, tf.Tensor], tf.Tensor]
Term = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def train_step(
    model: keras.Model,
    objective: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor],
    recipe: Recipe,
) -> Step:
    """Return the step that changes the model by one batch.

    Args:
        model: the model with its built optimizer, in the current `tf.distribute` scope.
        objective: a function (inputs, labels, outputs) -> the loss of each sample, [B].
        recipe: its weight decay and its clipping.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    optimizer, variables = model.optimizer, model.trainable_variables

    def on_replica(batch: tuple[tf.Tensor, tf.Tensor], total: tf.Tensor) -> tf.Tensor:
        inputs, labels = batch
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            data_loss = tf.reduce_sum(objective(inputs, labels, outputs)) / total
            loss = data_loss + _regularisation(model) / replicas
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(
            scaled, [v.value for v in variables], unconnected_gradients="zero"
        )
        scale = optimizer.scale_loss(tf.constant(1.0))
        gradients = optimizers.decayed(gradients, variables, recipe, scale / replicas)
        gradients = optimizers.clipped(gradients, recipe, scale)
        # It sums the gradients over the replicas itself.
        optimizer.apply(gradients, variables)
        return _sums(loss * total, labels, outputs)

    return _over_replicas(on_replica)


def evaluation_step(model: keras.Model, loss: PerSample) -> Step:
    """Return the step that measures one batch, without changing the model.

    Args:
        model: the model.
        loss: a function (labels, outputs) -> the loss of each sample, [B].
    """

    def on_replica(batch: tuple[tf.Tensor, tf.Tensor], _: tf.Tensor) -> tf.Tensor:
        inputs, labels = batch
        outputs = model(inputs, training=False)
        losses = tf.reduce_sum(loss(labels, outputs)) + _count(batch) * _regularisation(model)
        return _sums(losses, labels, outputs)

    return _over_replicas(on_replica)


def nothing() -> tf.Tensor:
    """Return the sums before the first step."""
    return tf.zeros([3], tf.float64)


def metrics(sums: tf.Tensor) -> dict[str, float]:
    """Return the mean loss and, where the labels are classes, the accuracy."""
    loss, right, count = np.asarray(sums)
    found = {"loss": float(loss / count)}
    return found if np.isnan(right) else {**found, "accuracy": float(right / count)}


def _over_replicas(on_replica: Callable) -> Step:
    strategy = tf.distribute.get_strategy()

    # The batch is fetched inside: its shape is then unknown here, and one trace serves all.
    @tf.function(autograph=False)
    def step(iterator: Iterator, sums: tf.Tensor) -> tf.Tensor:
        batch = next(iterator)
        # The samples of all replicas: these have different shares of an epoch's last batch.
        total = strategy.reduce("sum", strategy.run(_count, args=(batch,)), axis=None)
        parts = strategy.run(on_replica, args=(batch, total))
        return sums + strategy.reduce("sum", parts, axis=None)

    return _explained(step)


def _explained(step: Step) -> Step:
    def explained(iterator: Iterator, sums: tf.Tensor) -> tf.Tensor:
        try:
            return step(iterator, sums)
        except PruningError:
            raise
        except MISFITS as error:
            hint = "; for one-hot labels give loss='categorical_crossentropy'"
            raise misfit(error, iterator.element_spec, hint) from error

    return explained


def _regularisation(model: keras.Model) -> tf.Tensor:
    return tf.add_n([tf.cast(loss, tf.float32) for loss in model.losses] or [tf.constant(0.0)])


def _count(batch: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    return tf.cast(tf.shape(batch[1])[0], tf.float32)


def _sums(loss: tf.Tensor, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    count = _count((outputs, labels))
    return tf.cast(tf.stack([loss, _right(labels, outputs), count]), tf.float64)


def _right(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Return how many samples are answered rightly (shares for pictures), NaN if unanswerable."""
    if outputs.shape.rank < 2 or outputs.shape[-1] == 1:
        return tf.constant(np.nan)
    valid = tf.constant(True)
    if labels.shape.rank == outputs.shape.rank and labels.shape[-1] == 1:
        labels = tf.squeeze(labels, -1)
    elif labels.shape.rank == outputs.shape.rank:
        # One-hot or shares of classes; values of another kind do not add up to one.
        total = tf.reduce_sum(tf.cast(labels, tf.float32), axis=-1)
        valid = tf.reduce_all(tf.abs(total - 1.0) < 1e-3)
        labels = tf.argmax(labels, axis=-1)
    if labels.shape.rank != outputs.shape.rank - 1:
        return tf.constant(np.nan)
    hits = tf.cast(tf.cast(labels, tf.int64) == tf.argmax(outputs, axis=-1), tf.float32)
    shares = tf.reduce_mean(tf.reshape(hits, [tf.shape(hits)[0], -1]), axis=1)
    return tf.where(valid, tf.reduce_sum(shares), np.nan)
