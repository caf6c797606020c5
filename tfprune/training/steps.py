"""One step of training or evaluation, as a graph that is traced once.

Both give sums as `tfprune.training.objective` lays them out. Those of training are added up in the
graph, over the replicas' shares of a batch; those of evaluation are one part's, for the host to
add in order.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.passes.batch_errors import UNSUITABLE, unsuitable_batch
from tfprune.passes.divided import Divided
from tfprune.tasks import Measured
from tfprune.training import optimizers
from tfprune.training.accumulation import accumulated
from tfprune.training.objective import Objective
from tfprune.training.recipe import Recipe

# From batches, the sums so far and whether this worker was asked to stop to the new sums and
# whether any worker was.
TrainStep = Callable[[Iterator, tf.Tensor, bool], tuple[tf.Tensor, bool]]
# Changes the losses of a batch: (inputs, outputs, measured) -> measured.
Teaching = Callable[[Any, Any, list[Measured]], list[Measured]]
_HINT = "; for one-hot labels give loss='categorical_crossentropy'"


def train_step(
    model: keras.Model, objective: Objective, recipe: Recipe, teaching: Teaching | None = None
) -> TrainStep:
    """Return the step that changes the model by one batch.

    Args:
        model: the model with its built optimizer, in the current `tf.distribute` scope.
        objective: the losses of its outputs.
        recipe: its weight decay, its clipping, and in how many parts a batch goes through.
        teaching: puts a teacher's part into the losses; None: no teacher.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    optimizer, variables = model.optimizer, model.trainable_variables

    def measured(inputs: Any, labels: Any, outputs: Any, weights: Any) -> list[Measured]:
        found = objective.measured(labels, outputs, weights)
        return found if teaching is None else teaching(inputs, outputs, found)

    def at_once(batch: tuple) -> tuple[list[tf.Tensor], tf.Tensor]:
        inputs, labels, weights = keras.utils.unpack_x_y_sample_weight(batch)
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            each = measured(inputs, labels, outputs, weights)
            # The count over all replicas: these have different shares of an epoch's last batch.
            counts = optimizers.over_replicas([tf.reduce_sum(found.counts) for found in each])
            losses = [
                tf.math.divide_no_nan(tf.reduce_sum(found.losses), count)
                for found, count in zip(each, counts, strict=True)
            ]
            own = _regularisation(model)
            scaled = optimizer.scale_loss(objective.total(losses) + own / replicas)
        gradients = tape.gradient(
            scaled, [v.value for v in variables], unconnected_gradients="zero"
        )
        sums = [loss * count for loss, count in zip(losses, counts, strict=True)]
        return gradients, objective.sums(labels, outputs, each, sums, own)

    def in_parts(batch: tuple) -> tuple[list[tf.Tensor], tf.Tensor]:
        found = accumulated(
            model, objective, batch, recipe.accumulate, measured=measured,
            scaled=optimizer.scale_loss, own=lambda: _regularisation(model),
        )  # fmt: skip
        counts = optimizers.over_replicas(tf.unstack(found.counts))
        gradients = [gradient / replicas for gradient in found.layers]
        for head, own, count in zip(objective.heads, found.heads, counts, strict=True):
            factor = tf.math.divide_no_nan(head.weight, count)
            gradients = [so_far + factor * x for so_far, x in zip(gradients, own, strict=True)]
        return gradients, found.sums

    def on_replica(batch: tuple) -> tf.Tensor:
        gradients, sums = (in_parts if recipe.accumulate > 1 else at_once)(batch)
        scale = optimizer.scale_loss(tf.constant(1.0))
        gradients = optimizers.decayed(gradients, variables, recipe, scale / replicas)
        gradients = optimizers.clipped(gradients, recipe, scale)
        # It sums the gradients over the replicas itself.
        optimizer.apply(optimizers.agreed(gradients, optimizer), variables)
        return sums

    step = _over_replicas(lambda batch, asked: tf.concat([on_replica(batch), [asked]], axis=0))

    def counted(iterator: Iterator, sums: tf.Tensor, asked: bool) -> tuple[tf.Tensor, bool]:
        # It goes with what is summed anyway, so that all workers stop after the same step.
        found = step(iterator, tf.pad(sums, [[0, 1]]), tf.constant(float(asked), tf.float64))
        return found[:-1], bool(found[-1] > 0)

    return counted


def evaluation_step(model: keras.Model, objective: Objective) -> Divided:
    """Return the step that measures a part of the data, without changing the model.

    Args:
        model: the model.
        objective: the losses of its outputs.
    """

    def step(inputs: Any, labels: Any, weights: Any = None) -> tf.Tensor:
        outputs = model(inputs, training=False)
        measured = objective.measured(labels, outputs, weights)
        losses = [tf.reduce_sum(found.losses) for found in measured]
        return objective.sums(labels, outputs, measured, losses, _regularisation(model))

    return Divided(step, hint=_HINT)


def nothing(objective: Objective) -> tf.Tensor:
    """Return the sums before the first step."""
    return tf.zeros([objective.size], tf.float64)


def _over_replicas(on_replica: Callable) -> Callable[..., tf.Tensor]:
    strategy = tf.distribute.get_strategy()

    # The batch is fetched inside: its shape is then unknown here, and one trace serves all.
    @tf.function(autograph=False)
    def step(iterator: Iterator, sums: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        parts = strategy.run(on_replica, args=(next(iterator), *others))
        return sums + strategy.reduce("sum", parts, axis=None)

    return _explained(_graph_of_each_type(step))


def _graph_of_each_type(step: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Return a step that calls its graphs themselves.

    A function of TensorFlow's counts its tracings over all trainings of a program, and warns of the
    fifth training of few steps, as a schedule makes them.
    """
    graphs: dict[tf.TypeSpec, Callable[..., tf.Tensor]] = {}

    def call(iterator: Iterator, *others: tf.Tensor) -> tf.Tensor:
        spec = tf.type_spec_from_value(iterator)
        if spec not in graphs:
            graphs[spec] = step.get_concrete_function(iterator, *others)
        return graphs[spec](iterator, *others)

    return call


def _explained(step: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    def explained(iterator: Iterator, sums: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        try:
            return step(iterator, sums, *others)
        except PruningError:
            raise
        except UNSUITABLE as error:
            raise unsuitable_batch(error, iterator.element_spec, _HINT) from error

    return explained


def _regularisation(model: keras.Model) -> tf.Tensor:
    return tf.add_n([tf.cast(loss, tf.float32) for loss in model.losses] or [tf.constant(0.0)])
