"""Copies of models: equal weights, nothing shared."""

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.heads import last_layers
from tfprune.graph.keras_graph import all_layers, random_states, require_keras
from tfprune.graph.rules import has_role
from tfprune.surgery.builder import duplicate_model


def copy_model(model: keras.Model, *, precision: str | None = None) -> keras.Model:
    """Return a copy with equal weights, made in the current `tf.distribute` scope.

    Args:
        model: a built functional or sequential model; it may come from outside the scope.
        precision: the policy for layers that compute in float32, e.g. "mixed_bfloat16"; those
            from the last activation on stay in float32, where a softmax needs it.

    Returns:
        The copy, not compiled.

    Raises:
        PruningError: no model of Keras 3, a subclassed one, or one that has no weights yet.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> bool((copy_model(model).get_weights()[0] == model.get_weights()[0]).all())
        True
    """
    require_keras(model)
    if not model.built:
        raise PruningError(
            f"The model {model.name!r} is not built: its weights do not exist yet. Call it once, "
            "or give it an Input."
        )
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise PruningError(
            f"The model {model.name!r} ({type(model).__name__}) cannot be copied: expected a "
            "functional or sequential model, whose graph of layers is known."
        )
    kept = frozenset() if precision is None else frozenset(map(id, last_layers(model)))

    def policy(operation: keras.Operation) -> str | None:
        # A layer with a policy of its own was given it for a reason.
        plain = getattr(getattr(operation, "dtype_policy", None), "name", None) == "float32"
        return precision if plain and id(operation) not in kept else None

    copy = duplicate_model(model, policy)
    assign(copy, state(model))
    return copy


def state(model: keras.Model) -> list[np.ndarray]:
    """Return all of a model's state in order: weights, statistics and random seeds."""
    # keras.ops.convert_to_numpy warns under numpy 2 when it is given a variable.
    return [variable.value.numpy() for variable in model.variables]


def assign(model: keras.Model, arrays: list[np.ndarray]) -> None:
    """Set all of a model's state, in the order of `state`."""
    for variable, array in zip(model.variables, arrays, strict=True):
        variable.assign(array)
    for layer in all_layers(model):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()  # else a copy goes on with the statistics it was made with


def synchronise(model: keras.Model) -> None:
    """Let every batch normalisation see the samples of all replicas, where there are several."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return  # Keras computes the same by another formula then
    for layer in all_layers(model):
        if has_role(layer, "batch_normalisation"):
            layer.synchronized = True


def reseed(model: keras.Model, seed: int) -> None:
    """Set the state of every random layer (Dropout, ...) from `seed`, by position."""
    generators = random_states(model)
    states = np.random.SeedSequence(seed).generate_state(2 * len(generators))
    for generator, state in zip(generators, states.reshape(-1, 2), strict=True):
        generator.assign(state)
