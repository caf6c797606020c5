"""Operations that a format lacks: refused by the names of the layers that are made of them."""

import contextlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.exporting import _signature
from tfprune.graph.keras_graph import all_layers, is_graph, replay

_PLACE = re.compile(r'fused\["(\w+):", "([^"@]+)')  # where MLIR says an operation comes from


def lacks(
    runtime: str, model: keras.Model, kinds: Collection[str], nodes: Collection[str] = ()
) -> PruningError:
    """Return the refusal of a model with operations that a runtime does not have.

    Args:
        runtime: what lacks them.
        model: the model.
        kinds: TensorFlow's names of the operations.
        nodes: their paths in the graph; by default all of these kinds.
    """
    names = _makers(nodes, model) if nodes else layers_of(model, kinds)
    found = sorted({repr(name) for name in names})
    where = f", of which {_layers(found)} made" if found else ""
    return PruningError(
        f"{runtime} cannot hold the model {model.name!r}: it has no operation "
        f"{', '.join(sorted(kinds))}{where}. Export 'saved_model' or 'keras' instead, or replace "
        "what needs it."
    )


@contextlib.contextmanager
def naming_layers(runtime: str, model: keras.Model, lacking: re.Pattern) -> Iterator[None]:
    """Name the layers of operations that a converter lacks, where it names the operations alone.

    Args:
        runtime: what it converts for.
        model: the model.
        lacking: finds them in what it says, as names divided by commas.

    Raises:
        PruningError: within, it said so.
    """
    try:
        yield
    except Exception as error:
        kinds = {kind for names in lacking.findall(str(error)) for kind in names.split(", ")}
        if not kinds:
            raise
        nodes = {node for kind, node in _PLACE.findall(str(error)) if kind in kinds}
        raise lacks(runtime, model, kinds, nodes) from error


def _layers(names: Sequence[str]) -> str:
    return f"layer {names[0]} is" if len(names) == 1 else f"layers {', '.join(names)} are"


def layers_of(model: keras.Model, kinds: Collection[str]) -> Iterator[str]:
    """Yield the name of the innermost layer of each operation of some kinds.

    Args:
        model: the model.
        kinds: TensorFlow's names of the operations.

    Example:
        >>> x = keras.Input((4,), name="x")
        >>> model = keras.Model(x, keras.layers.Activation("tanh", name="squash")(x))
        >>> list(layers_of(model, {"Tanh"}))
        ['squash']
    """
    graph = _graph(model, lambda *tensors: _signature.call(model, list(tensors))).as_graph_def()
    nodes = [*graph.node, *(node for own in graph.library.function for node in own.node_def)]
    for node in nodes:
        if node.op in kinds:
            yield _layer_of(node.name, model)


def _graph(model: keras.Model, function: Callable[..., Any]) -> Any:
    """Return TensorFlow's graph of a function of a model's inputs."""
    specs = [tf.TensorSpec(x.shape, x.dtype) for x in model.inputs]
    return tf.function(function).get_concrete_function(*specs).graph


def _makers(nodes: Collection[str], model: keras.Model) -> Iterator[str]:
    """Yield the names of the layers, or of the model's plain operations, that nodes come from."""
    own = _operations_of(model) if is_graph(model) else {}
    for node in nodes:
        name = _layer_of(node, model)
        yield own.get(node.partition("/")[2], name) if name == node else name


def _operations_of(model: keras.Model) -> dict[str, str]:
    """Return {node: operation} of the nodes that lie in no layer: TensorFlow counts them alike."""
    found: dict[str, str] = {}

    def call(operation: Any, args: tuple, kwargs: dict) -> Any:
        graph = tf.compat.v1.get_default_graph()
        known = {node.name for node in graph.get_operations()}
        outputs = operation(*args, **kwargs)
        new = (node.name for node in graph.get_operations() if node.name not in known)
        found.update(dict.fromkeys(new, operation.name))
        return outputs

    _graph(model, lambda *tensors: replay(model, list(tensors), call))
    return found


def _layer_of(node: str, model: keras.Model) -> str:
    """Return the name of the innermost layer that a node belongs to, its own if there is none.

    Keras adds the same number to all names when it calls a model once more.
    """
    parts = node.split("/")
    number = next((x[len(model.name) :] for x in parts if x.startswith(model.name)), "")
    scopes = {f"{layer.name}{number}": layer.name for layer in all_layers(model)}
    return next((scopes[part] for part in reversed(parts) if part in scopes), node)
