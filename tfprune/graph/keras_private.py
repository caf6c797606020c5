"""All that the library knows of Keras beyond its public names.

Each function reads or sets one private thing of Keras 3, and no other file does: a test holds that.
When a release of Keras renames one, it is mended here alone.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend import compute_output_spec as output_spec  # noqa: F401
from keras.src.backend.common import global_state
from keras.src.ops import core, einops, image, linalg, math, nn, numpy, operation

# The modules that hold operations: each asks for itself whether a call is symbolic.
OPERATION_MODULES = (core, einops, image, linalg, math, nn, numpy, operation)
NUMPY_OPERATIONS = numpy  # Keras calls these among themselves, past `keras.ops`
CALLS = ("_inbound_nodes", "_outbound_nodes")  # attributes of an operation: its calls in models
# What Keras notes about a layer; the variables and layers within are those of other attributes.
_NOTES = """_trainable_variables _non_trainable_variables _seed_generators _layers _metrics _losses
_tracker _functional""".split()
_FOLDERS = tuple(  # with the separator: keras_hub's lies beside keras
    f"{Path(module.__file__).parent}{os.sep}" for module in (keras, tf)
)
_CALL_CONTEXT = "current_call_ctx"  # where Keras keeps `training` for the layers within a call


def functional(model: keras.Model) -> keras.Model:
    """Return the functional model that runs a model: a Sequential has one inside."""
    return getattr(model, "_functional", None) or model


def has_nodes(model: keras.Model) -> bool:
    """Return whether Keras knows a model by its calls, as a functional or built Sequential one."""
    return hasattr(functional(model), "_nodes")


def nodes_by_depth(model: keras.Model) -> dict[int, list[Any]]:
    """Return {number of calls to the outputs: nodes} of a model with nodes."""
    return functional(model)._nodes_by_depth


def calls_of(operation: Any) -> list[Any]:
    """Return the nodes of a layer's or operation's calls, in the order they were made in."""
    return operation._inbound_nodes


def maker(tensor: keras.KerasTensor) -> Any:
    """Return the layer or operation that a symbolic tensor comes from."""
    return tensor._keras_history.operation


def made_by(tensor: keras.KerasTensor) -> Any:
    """Return the node of the call that a symbolic tensor comes from."""
    return calls_of(maker(tensor))[tensor._keras_history.node_index]


def history(tensor: keras.KerasTensor) -> Any:
    """Return Keras' note of which call a symbolic tensor comes from."""
    return tensor._keras_history


def set_history(tensor: keras.KerasTensor, history: Any) -> None:
    """Let a symbolic tensor come from another call."""
    tensor._keras_history = history


def set_shape(tensor: keras.KerasTensor, shape: tuple[int | None, ...]) -> None:
    """Give a symbolic tensor another shape."""
    tensor._shape = shape


def mask_of(tensor: Any) -> Any:
    """Return which places of a tensor count, as a Keras layer or loss has noted it, or None."""
    return getattr(tensor, "_keras_mask", None)


def flat_inputs(model: keras.Model, inputs: Any) -> list[Any]:
    """Return a batch as flat tensors in the order, dtypes and ranks of a model's inputs.

    Args:
        model: a functional or Sequential model.
        inputs: one batch, in any nesting that the model takes.
    """
    return functional(model)._standardize_inputs(inputs)


def built_shapes(model: keras.Model) -> dict[str, Any]:
    """Return {argument of a subclassed model's call: shapes it was built for}; maybe empty."""
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    return {key.removesuffix("_shape"): shape for key, shape in shapes.items()}


def compile_settings(model: keras.Model) -> dict[str, Any] | None:
    """Return the arguments that `model.compile` was called with, or None."""
    settings = getattr(model, "_compile_config", None)
    return settings.config if model.compiled and settings is not None else None


def takes_training(layer: keras.Layer) -> bool:
    """Return whether a layer's `call` has a `training` argument."""
    return layer._call_has_training_arg


def direct_layers(layer: Any) -> list[keras.Layer]:
    """Return the layers that a layer or an operation holds itself, not those within them."""
    return getattr(layer, "_layers", [])


def inner_layers(layer: keras.Layer) -> list[keras.Layer]:
    """Return the layers that a layer holds, at any depth, as a wrapper does or an attention."""
    return list(layer._flatten_layers(include_self=False))


def own_variables(layer: keras.Layer) -> list[keras.Variable]:
    """Return the weights that a layer made itself, not those of layers within it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def own_attributes(layer: keras.Layer) -> dict[str, Any]:
    """Return the attributes of a layer without those that Keras and TensorFlow keep notes in."""
    attributes = vars(layer).items()
    return {k: v for k, v in attributes if k not in _NOTES and not k.startswith("_self_")}


def is_tracked(value: Any) -> bool:
    """Return whether a container is one that Keras has put in place of a plain one."""
    return type(value).__base__ in (list, dict, set) and hasattr(value, "tracker")


def projections(attention: Any) -> dict[str, keras.Layer]:
    """Return {"query", "key", "value", "output", perhaps "gate": layer} of an attention."""
    names = ("query", "key", "value", "gate", "output")
    found = {name: getattr(attention, f"_{name}_dense", None) for name in names}
    return {name: layer for name, layer in found.items() if layer is not None}


@contextmanager
def projecting_with(attention: Any, **parts: Callable[[Any], Any]) -> Iterator[None]:
    """Let an attention call something else in place of some of its projections for a while.

    Args:
        attention: the layer.
        **parts: what is called, by the projection's name as in `projections`.
    """
    own = {f"_{name}_dense": part for name, part in parts.items()}
    before = {name: vars(attention)[name] for name in own}
    vars(attention).update(own)
    try:
        yield
    finally:
        vars(attention).update(before)


def has_output_shape(attention: Any) -> bool:
    """Return whether an attention can be told another width than that of its queries."""
    return hasattr(attention, "_output_shape")


def output_shape(attention: Any) -> Any:
    """Return the width, or the several, that an attention was told to return, or None."""
    return getattr(attention, "_output_shape", None)


def attention_axes(attention: Any) -> tuple[int, ...] | None:
    """Return the axes that an attention goes over, or None where there is no choice of them."""
    return getattr(attention, "_attention_axes", None)


def lookup(layer: Any) -> Any:
    """Return the layer that holds a text layer's vocabulary, or the layer itself."""
    return getattr(layer, "_lookup_layer", layer)


def skip_sums_over_replicas(optimizer: keras.optimizers.Optimizer) -> None:
    """Let an optimizer take gradients as they are, in place of summing them over replicas.

    Where a release of Keras names that method otherwise, nothing is changed.
    """
    if hasattr(optimizer, "_all_reduce_sum_gradients"):
        optimizer._all_reduce_sum_gradients = list


@contextmanager
def outside_calls() -> Iterator[None]:
    """Forget what an outer call says of `training`: in a trace, the outermost one says it."""
    outer = global_state.get_global_attribute(_CALL_CONTEXT)
    global_state.set_global_attribute(_CALL_CONTEXT, None)
    try:
        yield
    finally:
        global_state.set_global_attribute(_CALL_CONTEXT, outer)


class ChangedAttributeError(Exception):
    """A call sets an attribute of its layer."""


def _are_tensors(value: Any) -> bool:
    flat = keras.tree.flatten(value)
    return bool(flat) and all(
        isinstance(x, keras.KerasTensor) or keras.ops.is_tensor(x) for x in flat
    )


class _NoTracking:
    """In place of Keras' tracker: a call that sets an attribute has a state.

    Scores and features that it leaves there are none, as nothing reads them; where the next call
    does, the opened model is found to differ.
    """

    locked = True

    def track(self, value: Any) -> Any:
        frame = sys._getframe(1)
        name = "?"
        while frame.f_code.co_name == "__setattr__":
            name = frame.f_locals.get("name", name)
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(_FOLDERS):  # own notes: `built`
            return value
        # Noted for the layer's own methods or for its user, and anew at each call.
        if name == "training" or _are_tensors(value):
            return value
        raise ChangedAttributeError(f"sets the attribute {name!r}, a state that a call changes")


def refuse_changes(layer: keras.Layer, run: Callable[..., Any]) -> None:
    """Let a shallow copy of a layer run a function when called, and keep nothing of what it does.

    Args:
        layer: the copy. A call of it that sets an attribute raises `ChangedAttributeError`.
        run: what runs in place of its symbolic call.
    """
    layer.__dict__.update(_tracker=_NoTracking(), _losses=[], symbolic_call=run)
