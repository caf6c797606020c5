"""Copies of models: equal weights, nothing shared."""

import functools
from collections.abc import Callable

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.heads import last_layers


def copy_model(model: keras.Model, *, precision: str | None = None) -> keras.Model:
    """Return a copy with equal weights, made in the current `tf.distribute` scope.

    Args:
        model: a built functional or sequential model; it may come from outside the scope.
        precision: the policy for layers that compute in float32, e.g. "mixed_bfloat16"; those
            from the last activation on stay in float32, where a softmax needs it.

    Returns:
        The copy, not compiled.

    Raises:
        PruningError: a subclassed model, or one that has no weights yet.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> bool((copy_model(model).get_weights()[0] == model.get_weights()[0]).all())
        True
    """
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
    copy = _clone(model, functools.partial(_fresh, precision=precision, kept=kept))
    assign(copy, values(model))
    return copy


def values(model: keras.Model) -> list[np.ndarray]:
    """Return all of a model's state in order: weights, statistics and random seeds."""
    # keras.ops.convert_to_numpy warns under numpy 2 when it is given a variable.
    return [variable.value.numpy() for variable in model.variables]


def assign(model: keras.Model, arrays: list[np.ndarray]) -> None:
    """Set all of a model's state, in the order of `values`."""
    for variable, array in zip(model.variables, arrays, strict=True):
        variable.assign(array)
    for layer in _all_layers(model):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()  # else a copy goes on with the statistics it was made with


def reseed(model: keras.Model, seed: int) -> None:
    """Set the state of every random layer (Dropout, ...) from `seed`, by position."""
    generators = [v for v in model.variables if v.path.endswith("seed_generator_state")]
    states = np.random.SeedSequence(seed).generate_state(2 * len(generators))
    for generator, state in zip(generators, states.reshape(-1, 2), strict=True):
        generator.assign(state)


def _fresh(
    operation: keras.Operation, *, precision: str | None, kept: frozenset[int]
) -> keras.Operation:
    """Return a new layer like the given one; an operation without weights can be shared."""
    if not isinstance(operation, keras.Layer):
        return operation
    config = operation.get_config()
    stays = id(operation) in kept or isinstance(operation, keras.layers.InputLayer)
    # A layer with a policy of its own was given it for a reason.
    if precision and not stays and operation.dtype_policy.name == "float32":
        config["dtype"] = precision
    return type(operation).from_config(config)


def _clone(model: keras.Model, fresh: Callable) -> keras.Model:
    """Return a model of fresh layers.

    Keras' `clone_model` alone would compile the copy too, which fails with a loss of one's own,
    and would rename an input that was not given a name, which changes what is served.
    """

    def replace(operation: keras.Operation) -> keras.Operation:
        return _clone(operation, fresh) if isinstance(operation, keras.Model) else fresh(operation)

    if isinstance(model, keras.Sequential):
        first = model.get_config()["layers"][0]
        named = first["config"]["name"] if first["class_name"] == "InputLayer" else None
        entry = keras.Input(
            batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype, name=named
        )
        return keras.Sequential([entry, *map(replace, model.layers)], name=model.name)
    entries = {id(la.output): la for la in model.layers if isinstance(la, keras.layers.InputLayer)}
    inputs = keras.tree.map_structure(lambda t: fresh(entries[id(t)]).output, model.input)
    uncompiled = keras.Model(model.input, model.output, name=model.name)
    return keras.models.clone_model(uncompiled, inputs, clone_function=replace)


def _all_layers(model: keras.Model) -> list[keras.Layer]:
    layers = []
    for layer in model.layers:
        layers += _all_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return layers
