"""Read a Keras model's graph of calls, down to its layers and operations."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.keras_private import (
    calls_of,
    functional,
    has_nodes,
    inner_layers,
    maker,
    nodes_by_depth,
)


def is_graph(operation: Any) -> bool:
    """Return whether an operation is a model whose inner graph says all that it computes."""
    if not isinstance(operation, keras.Model) or not has_nodes(operation):
        return False
    return type(operation).call.__module__.startswith("keras.")  # not a user's own


def nodes(model: keras.Model) -> Iterator[Any]:
    """Yield a model's own calls (Keras' nodes) in an order in which they can be made."""
    by_depth = nodes_by_depth(model)
    for depth in sorted(by_depth, reverse=True):
        called = [node for node in by_depth[depth] if node.operation and not node.is_input]
        # One layer's calls come in the order they were made in: a copy numbers them alike.
        yield from sorted(called, key=lambda node: calls_of(node.operation).index(node))


def replay(model: keras.Model, inputs: Sequence[Any], call: Callable[..., Any]) -> Any:
    """Make a functional model's calls again on other inputs, and return the outputs alike nested.

    Args:
        model: the model whose calls are made.
        inputs: flat list of what stands for its inputs.
        call: `call(operation, args, kwargs)` makes one call and returns its outputs.
    """
    tensors = dict(zip(map(id, model.inputs), inputs, strict=True))
    for node in nodes(model):
        args, kwargs = node.arguments.fill_in(tensors)
        outputs = keras.tree.flatten(call(node.operation, args, kwargs))
        tensors.update(zip(map(id, node.outputs), outputs, strict=True))
    return keras.tree.map_structure(lambda x: tensors[id(x)], functional(model).output)


def depths(model: keras.Model, start: int = 0) -> dict[int, int]:
    """Return {id of a layer or operation: calls on the longest way from an input to it}."""
    found: dict[int, int] = {}
    depth_of = dict.fromkeys(map(id, model.inputs), start)
    for node in nodes(model):
        depth = 1 + max(depth_of[id(x)] for x in node.input_tensors)
        found.setdefault(id(node.operation), depth)
        if is_graph(node.operation):
            inner = depths(node.operation, depth)
            found = {**inner, **found}
            depth = max(inner.values(), default=depth)
        depth_of.update(dict.fromkeys(map(id, node.outputs), depth))
    return found


def input_layer(tensor: keras.KerasTensor, shape: Sequence[int | None]) -> keras.layers.InputLayer:
    """Return a new input layer like the one a model's input comes from, with another shape."""
    old = maker(tensor)
    optional = getattr(old, "optional", False)
    return keras.layers.InputLayer(
        batch_shape=tuple(shape),
        dtype=tensor.dtype,
        sparse=tensor.sparse,
        name=old.name,
        optional=optional,
    )


def all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield a model's layers, those of models within it in their place, and the models too."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)


def random_states(model: keras.Model) -> list[keras.Variable]:
    """Return the states of a model's random layers, such as Dropout."""
    return [v for v in model.variables if v.path.endswith("seed_generator_state")]


def rename(operation: Any, name: str) -> None:
    """Give a new operation another name, before it has weights, whose paths would keep the old."""
    operation.name = name


def name_apart(outputs: Any, inputs: Any, copied: Any, used: set[str]) -> None:
    """Give the operations that were made in place of one call names that are unique in a model.

    Keras counts names from 0 in each process: in a model that was read from a file, a new `take`
    may meet one of that name.

    Args:
        outputs: tensors that the new operations made.
        inputs: tensors that they began with.
        copied: the operation whose call they stand for, which keeps its name.
        used: the names in the model; the new ones are added.
    """
    known = {id(x) for x in keras.tree.flatten(inputs)}
    waiting = [x for x in keras.tree.flatten(outputs) if id(x) not in known]
    waiting = [x for x in waiting if keras.utils.is_keras_tensor(x)]  # real ones come of no model
    while waiting:
        operation = maker(waiting.pop())
        if operation is not copied and operation.name in used:
            stem = f"{copied.name}_{type(operation).__name__.lower()}"
            names = (f"{stem}_{number}" if number else stem for number in itertools.count())
            rename(operation, next(name for name in names if name not in used))
        used.add(operation.name)
        tensors = calls_of(operation)[-1].input_tensors
        waiting += [x for x in tensors if id(x) not in known]


def require_keras(model: Any) -> None:
    """Refuse anything but a model of Keras 3."""
    if not isinstance(model, keras.Model):
        kind, package = type(model), type(model).__module__.partition(".")[0]
        if any(base.__name__ == "Model" for base in kind.__mro__) and package != "keras":
            raise PruningError(
                f"Expected a model of Keras 3, received {kind.__module__}.{kind.__name__}, of the "
                f"package {package!r}. Save it there as .keras or .h5, and load that file with "
                "keras.models.load_model."
            )
        raise PruningError(
            f"Expected a keras.Model, received {kind.__name__}. "
            "Pass a functional or Sequential model."
        )


def require_readable(model: Any) -> None:
    """Refuse what is not a model, a model that is not built, and one without a graph of layers."""
    require_keras(model)
    if isinstance(model, keras.Sequential) and not model.built:
        raise PruningError(
            f"Sequential model {model.name!r} is not built: its shapes are unknown. "
            "Give it a keras.Input as its first layer, or call model.build(input_shape)."
        )
    if not is_graph(model):
        raise PruningError(
            f"Model {model.name!r} is a subclassed model ({type(model).__name__}): its graph of "
            "layers cannot be read. Call it once and leave open_layers to analyse, open it with "
            "tfprune.open_up, or build it with the functional API (keras.Model(inputs, outputs))."
        )


def read(variable: Any) -> np.ndarray:
    """Return a variable's present value; it is a view, so it is not to be written to.

    `variable.numpy()` copies, which for a large model costs more than the pruning itself.

    Args:
        variable: a Keras variable.
    """
    return np.asarray(tf.convert_to_tensor(variable.value))


def states(model: keras.Model) -> list[Any]:
    """Return the variables in which a model's stateful layers remember what they have seen."""
    layers = [x for x in (model, *inner_layers(model)) if getattr(x, "stateful", False)]
    return keras.tree.flatten([getattr(layer, "states", None) or [] for layer in layers])
