"""Optimizers, and the papers' weight decay."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfprune.graph.keras_private import skip_sums_over_replicas
from tfprune.training.recipe import Recipe

_RATES = {"sgd": 0.01, "adam": 0.001}


def build(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Return a fresh optimizer with the recipe's highest learning rate.

    Never with Keras' own weight decay, which is decoupled and, at momentum 0.9, about ten times
    weaker than the papers'; see `decayed`.

    Args:
        recipe: its `optimizer`, `learning_rate`, `momentum`, `nesterov` and `precision`.

    Returns:
        The optimizer, not yet built; under "mixed_float16" one that scales the loss.

    Example:
        >>> float(build(Recipe(epochs=1, optimizer="adam")).learning_rate) < 0.0011
        True
    """
    if not isinstance(recipe.optimizer, str):
        optimizer = recipe.optimizer.from_config(recipe.optimizer.get_config())
    else:
        highest = float(recipe.learning_rate or _RATES[recipe.optimizer])
        if recipe.optimizer == "adam":
            optimizer = keras.optimizers.Adam(highest)
        else:
            momentum = 0.9 if recipe.momentum is None else recipe.momentum
            optimizer = keras.optimizers.SGD(highest, momentum=momentum, nesterov=recipe.nesterov)
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if recipe.precision == "mixed_float16" and not scales:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        _without_sums(optimizer)
    return optimizer


def over_replicas(tensors: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """Return the sums of tensors over the replicas; to be called on each of them.

    A single replica asks nobody: TensorFlow gives each of its sums over replicas a gradient of
    its own, registers that for good, and with it holds the graph and the model of a training that
    has long ended.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return tensors
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def _without_sums(optimizer: keras.optimizers.Optimizer) -> None:
    """Keep an optimizer for one replica from summing over it, for the reason above."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    skip_sums_over_replicas(inner)  # where Keras lacks it, memory is not freed, no more


def rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Return the current learning rate, also of an optimizer that lives on several devices.

    Example:
        >>> rate(keras.optimizers.SGD(0.5))
        0.5
    """
    return float(tf.convert_to_tensor(optimizer.learning_rate).numpy())


def decayed(
    gradients: list[tf.Tensor],
    variables: list[keras.Variable],
    recipe: Recipe,
    scale: tf.Tensor | float,
) -> list[tf.Tensor]:
    """Add `scale * weight_decay * w` to the gradient of each variable w.

    Args:
        gradients: one per variable, of its shape.
        variables: the trainable variables.
        recipe: its `weight_decay` and `decay_all`.
        scale: what the gradients are still to be divided by: the loss scale over the number of
            replicas, whose gradients the optimizer sums.

    Returns:
        New gradients, in the same order.

    Example:
        >>> kernel = keras.Variable([[2.0]])
        >>> recipe = Recipe(epochs=1, weight_decay=0.5)
        >>> decayed([tf.constant([[1.0]])], [kernel], recipe, 1.0)[0].numpy().item()
        2.0
    """
    if recipe.weight_decay == 0:
        return gradients
    return [
        gradient + scale * recipe.weight_decay * tf.cast(variable, gradient.dtype)
        if recipe.decay_all or len(variable.shape) > 1
        else gradient
        for gradient, variable in zip(gradients, variables, strict=True)
    ]


def clipped(
    gradients: list[tf.Tensor], recipe: Recipe, loss_scale: tf.Tensor | float
) -> list[tf.Tensor]:
    """Shorten the gradient of a step where it is longer than the recipe allows.

    What counts is the sum over all replicas, so that their number changes nothing; hence not the
    clipping of Keras' optimizers, which looks at each by itself.

    Args:
        gradients: this replica's, which the optimizer will sum up with those of the others.
        recipe: its `clip_norm`.
        loss_scale: what the gradients are still to be divided by.

    Returns:
        New gradients, in the same order.

    Example:
        >>> recipe = Recipe(epochs=1, clip_norm=1.0)
        >>> [float(g) for g in clipped([tf.constant(3.0), tf.constant(4.0)], recipe, 1.0)]
        [0.6000000238418579, 0.800000011920929]
    """
    if recipe.clip_norm is None:
        return gradients
    total = over_replicas(gradients)
    norm = tf.linalg.global_norm(total) / loss_scale
    factor = recipe.clip_norm / tf.maximum(norm, recipe.clip_norm)
    return [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]


def agreed(gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer) -> list[tf.Tensor]:
    """Make gradients that are not finite on one replica so on all of them.

    An optimizer that scales the loss leaves a step out where the gradients are not finite, and
    takes the word of the first replica for it: what overflows on another one would go into the
    weights.

    Args:
        gradients: this replica's, still scaled.
        optimizer: the one that gets them.

    Returns:
        The gradients, or NaN.

    Example:
        >>> optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
        >>> agreed([tf.constant(1.0)], optimizer)[0].numpy().item()
        1.0
    """
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if not scales or tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return gradients
    finite = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients]
    failed = tf.cast(tf.logical_not(tf.reduce_all(finite)), tf.float32)
    context = tf.distribute.get_replica_context()
    nowhere = context.all_reduce(tf.distribute.ReduceOp.SUM, failed) == 0
    return [tf.where(nowhere, gradient, np.nan) for gradient in gradients]
