"""Run channel ids through a Keras model: the only place that reads Keras' node attributes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from tfprune import rules
from tfprune.channel_graph import ChannelGraph
from tfprune.channels import Channels
from tfprune.errors import PruningError
from tfprune.notes import Trace
from tfprune.trace import Call
from tfprune.units import close


def analyse(model: keras.Model, *, allow_inexact: bool = False) -> ChannelGraph:
    """Find which channels of a model live or die together, and which must stay.

    Args:
        model: a built functional or Sequential model; it is only read.
        allow_inexact: also free the channels whose removal changes a statistic over the others,
            as under LayerNormalization; without it they are pinned.

    Returns:
        The model's channel graph; `print` shows it as a table.

    Raises:
        PruningError: the model is subclassed, or it is not built.

    Example:
        >>> import keras, tfprune
        >>> graph = tfprune.analyse(keras.applications.MobileNetV2(weights=None))
        >>> graph.channels("Conv_1")
        1280
    """
    require_readable(model)
    trace = Trace(allow_inexact)
    outputs = _run(model, [_pinned_input(trace, x) for x in model.inputs], trace, "")
    trace.pins[:0] = [(x.ids, "output of the model") for x in outputs]
    return close(model, trace)


def is_graph(operation: Any) -> bool:
    """Return whether an operation is a model whose inner graph says all that it computes."""
    if not isinstance(operation, keras.Model) or not hasattr(functional(operation), "_nodes"):
        return False
    return type(operation).call.__module__.startswith("keras.")  # not a user's own


def functional(model: keras.Model) -> keras.Model:
    """Return the functional model that runs a model: a Sequential has one inside."""
    return getattr(model, "_functional", None) or model


def nodes(model: keras.Model) -> Iterator[Any]:
    """Yield a model's own calls (Keras' nodes) in an order in which they can be made."""
    by_depth = functional(model)._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        called = [node for node in by_depth[depth] if node.operation and not node.is_input]
        # One layer's calls come in the order they were made in: a copy numbers them alike.
        yield from sorted(called, key=lambda node: node.operation._inbound_nodes.index(node))


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
    old = tensor._keras_history.operation
    optional = getattr(old, "optional", False)
    return keras.layers.InputLayer(
        batch_shape=tuple(shape),
        dtype=tensor.dtype,
        sparse=tensor.sparse,
        name=old.name,
        optional=optional,
    )


def require_readable(model: Any) -> None:
    """Refuse what is no model, a model that is not built, and one without a graph of layers."""
    if not isinstance(model, keras.Model):
        raise PruningError(
            f"Expected a keras.Model, received {type(model).__name__}. "
            "Pass a functional or Sequential model."
        )
    if isinstance(model, keras.Sequential) and not model.built:
        raise PruningError(
            f"Sequential model {model.name!r} is not built: its shapes are unknown. "
            "Give it a keras.Input as its first layer, or call model.build(input_shape)."
        )
    if not is_graph(model):
        raise PruningError(
            f"Model {model.name!r} is a subclassed model ({type(model).__name__}): its graph of "
            "layers cannot be read. Expected a functional or Sequential model; build it with the "
            "functional API (keras.Model(inputs, outputs))."
        )


def _pinned_input(trace: Trace, tensor: keras.KerasTensor) -> Channels:
    ids = trace.new_ids(1)
    trace.pins.append((ids, "input of the model"))
    return Channels(ids.reshape([1] * len(tensor.shape)), tuple(tensor.shape))


def _run(
    model: keras.Model, inputs: Sequence[Channels], trace: Trace, prefix: str
) -> list[Channels]:
    tensors = dict(zip(map(id, model.inputs), inputs, strict=True))
    for node in nodes(model):
        if is_graph(node.operation):
            outputs = _run_nested(node, tensors, trace, f"{prefix}{node.operation.name}/")
        else:
            outputs = _apply_rule(node, tensors, trace, prefix)
        tensors.update(zip(map(id, node.outputs), outputs, strict=True))
    return [tensors[id(x)] for x in model.outputs]


def _run_nested(
    node: Any, tensors: dict[int, Channels], trace: Trace, prefix: str
) -> list[Channels]:
    """Run a model within the model; called again, it cuts what it cut at its first call."""
    model = node.operation
    args, kwargs = node.arguments.fill_in(tensors)
    data = keras.tree.flatten([args, {k: v for k, v in kwargs.items() if k != "mask"}])
    inputs = [x for x in data if isinstance(x, Channels)]
    known = trace.models.get(id(model))
    if known is None:
        known = trace.models[id(model)] = inputs, _run(model, inputs, trace, prefix)
    else:
        trace.tie(inputs, known[0], prefix[:-1])
        again = Trace(trace.allow_inexact, trace.size)
        _run(model, known[0], again, prefix)
        for key, owner in again.owners.items():
            trace.owners[key].count(owner.times)
    return [Channels(y.ids, tuple(x.shape)) for x, y in zip(node.outputs, known[1], strict=True)]


def _apply_rule(
    node: Any, tensors: dict[int, Channels], trace: Trace, prefix: str
) -> Sequence[Channels]:
    operation = node.operation
    args, kwargs = node.arguments.fill_in(tensors)
    owner = trace.owner(operation, prefix + operation.name)
    owner.call_edits.append(None)
    masks = keras.tree.flatten(kwargs.pop("mask")) if "mask" in kwargs else []  # they are no data
    inputs = [tensors[id(x)] for x in node.input_tensors]
    inputs = [x for x in inputs if not any(x is mask for mask in masks)]
    call = Call(
        operation,
        inputs,
        [tuple(x.shape) for x in node.outputs],
        args,
        kwargs,
        trace,
        owner,
    )
    for mask in masks:
        if isinstance(mask, Channels):
            call.pin(mask, "a mask of steps")
    outputs = rules.find(operation)(call)
    if len(owner.call_edits) == 1:
        owner.inputs = inputs
    elif owner.config_edits and not owner.slots:
        trace.tie(inputs, owner.inputs, owner.name)
    outputs = [outputs] if isinstance(outputs, Channels) else outputs
    owner.outputs.append(outputs)
    trace.moved.extend(x for x in outputs if np.count_nonzero(np.array(x.ids.shape) > 1) > 1)
    return outputs
