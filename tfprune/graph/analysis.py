"""Run channel ids through a model, call by call, each by its layer's rule."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfprune.graph import rules
from tfprune.graph.call import Call
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.channels import Channels
from tfprune.graph.keras_graph import is_graph, nodes, require_readable
from tfprune.graph.opening.opened import opened_where_possible
from tfprune.graph.trace import Trace
from tfprune.graph.units import close


def analyse(
    model: keras.Model, *, allow_inexact: bool = False, open_layers: bool = True
) -> ChannelGraph:
    """Find which channels of a model live or die together, and which must stay.

    Args:
        model: a built model; it is only read.
        allow_inexact: also free the channels whose removal changes a statistic over the others,
            as under LayerNormalization; without it they are pinned.
        open_layers: let composite layers and subclassed models be opened first, as
            `tfprune.open_up` does: the graph's model is then the opened one. What cannot be opened
            is left whole, with the reason. False: they stay as they are.

    Returns:
        The model's channel graph; `print` shows it as a table.

    Raises:
        PruningError: the model is not built, or it is subclassed and cannot be opened, or is not
            to be.

    Example:
        >>> import keras, tfprune
        >>> graph = tfprune.analyse(keras.applications.MobileNetV2(weights=None))
        >>> graph.channels("Conv_1")
        1280
    """
    whole: dict[str, str] = {}
    if open_layers:
        model, whole = opened_where_possible(model)
    require_readable(model)
    trace = Trace(allow_inexact, whole=whole)
    outputs = _run(model, [_pinned_input(trace, x) for x in model.inputs], trace, "")
    trace.pins[:0] = [(x.ids, "output of the model") for x in outputs]
    return close(model, trace)


def _pinned_input(trace: Trace, tensor: keras.KerasTensor) -> Channels:
    return _pinned(trace, tensor, "input of the model")


def _pinned(trace: Trace, tensor: keras.KerasTensor, reason: str) -> Channels:
    """Return a tensor of one channel, which must stay."""
    ids = trace.new_ids(1)
    trace.pins.append((ids, reason))
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
        again = Trace(trace.allow_inexact, trace.size, whole=trace.whole)
        _run(model, known[0], again, prefix)
        for key, owner in again.owners.items():
            trace.owners[key].count(owner.times)
            trace.owners[key].products += owner.products
    return [Channels(y.ids, tuple(x.shape)) for x, y in zip(node.outputs, known[1], strict=True)]


def _apply_rule(
    node: Any, tensors: dict[int, Channels], trace: Trace, prefix: str
) -> Sequence[Channels]:
    operation = node.operation
    tensors = _at_known_places(node, tensors, trace, prefix)
    tensors = _as_whole_heads(node, tensors, trace, prefix)
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


def _as_whole_heads(
    node: Any, tensors: dict[int, Channels], trace: Trace, prefix: str
) -> dict[int, Channels]:
    """Return the tensors of a call, with heads as a whole where it might mix places within them."""
    if not trace.grids.made or rules.works_within_heads(node.operation):
        return tensors
    inner = {id(x): tensors[id(x)] for x in node.input_tensors}
    inner = {key: x for key, x in inner.items() if trace.grids.place_axis(x) is not None}
    for x in inner.values():
        trace.grids.pin(x.ids, f"{prefix}{node.operation.name}", node.operation)
    return {**tensors, **{key: trace.grids.whole(x) for key, x in inner.items()}}


def _at_known_places(
    node: Any, tensors: dict[int, Channels], trace: Trace, prefix: str
) -> dict[int, Channels]:
    """Return the tensors of a call, channels pinned that lie where it might mix or count them."""
    given = {id(x): x for x in node.input_tensors if tensors[id(x)].rounds}
    channels = [tensors[id(x)] for x in node.input_tensors]
    if not given or rules.takes_among_samples(node.operation, channels):
        return tensors
    reason = f"{prefix}{node.operation.name}: channels are moved to an axis of unknown size"
    trace.pins += [(tensors[key].ids, reason) for key in given]
    return {**tensors, **{key: _pinned(trace, x, reason) for key, x in given.items()}}
