"""Concatenation and stacking: tensors stand beside each other."""

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, collapse
from tfprune.graph.rules._movement import move
from tfprune.graph.rules._registry import rule


@rule(layers.Concatenate, "Concatenate", "Append", "Hstack", "Vstack", "Dstack")
def concatenate(call: Call) -> Channels | list[Channels]:
    """Rule of concatenation, on flat axes without writing the maps out.

    Tensors that are joined along another axis than their channels' lose the same channels.
    """
    axis = getattr(call.op, "axis", None)
    if axis is None:
        return move(call)
    axis %= len(call.outputs[0])
    varying = {a for x in call.inputs for a in x.varying}
    if (varying and axis not in varying) or any(x.shape[axis] is None for x in call.inputs):
        return _united(call)
    shapes = [list(x.ids.shape) for x in call.inputs]
    common = [max(column) for column in zip(*shapes, strict=True)]
    parts = [
        np.broadcast_to(x.ids, [*common[:axis], x.shape[axis], *common[axis + 1 :]])
        for x in call.inputs
    ]
    return collapse(np.concatenate(parts, axis=axis), call.outputs[0])


@rule("Stack")
def stack(call: Call) -> Channels:
    """Rule of stack: the stacked tensors lose the same channels."""
    axis = call.op.axis % len(call.outputs[0])
    return Channels(np.expand_dims(_united(call).ids, axis), tuple(call.outputs[0]))


def _united(call: Call) -> Channels:
    ids = np.broadcast_arrays(*(x.ids for x in call.inputs))
    call.unite(*ids)
    return Channels(ids[0], tuple(call.outputs[0]))


@rule("Glu")
def gated_linear_unit(call: Call) -> Channels:
    """Rule of glu: one half is gated by the other, so both lose the same channels."""
    x = call.inputs[0]
    axis = call.op.axis % len(x.shape)
    if axis not in x.varying:
        return call.passed()
    half, gate = np.split(x.ids, 2, axis=axis)
    call.unite(half, gate)
    return Channels(half, tuple(call.outputs[0]))
