"""Concatenation and stacking: tensors stand beside each other."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, collapse, spread
from tfprune.graph.rules._movement import move
from tfprune.graph.rules._registry import pin_all, rule


@rule(layers.Concatenate, "Concatenate", "Append", "Hstack", "Vstack", "Dstack")
def concatenate(call: Call) -> Channels | list[Channels]:
    """Rule of concatenation, on flat axes without writing the maps out.

    Tensors that are joined along another axis than their channels' lose the same channels. A
    constant among them has channels of its own, which nobody makes.
    """
    axis = getattr(call.op, "axis", None)
    members = keras.tree.flatten(call.args)  # `Channels`, or constant arrays
    if axis is None:
        constants = len(members) > len(call.inputs)
        return pin_all(call, "constants are joined to a flat tensor") if constants else move(call)
    axis %= len(call.outputs[0])
    varying = {a for x in call.inputs for a in x.varying}
    if (varying and axis not in varying) or any(x.shape[axis] is None for x in call.inputs):
        return _united(call, members)
    parts = [_channels(call, x, axis) for x in members]
    shapes = [list(x.ids.shape) for x in parts]
    common = [max(column) for column in zip(*shapes, strict=True)]
    ids = [
        np.broadcast_to(x.ids, [*common[:axis], x.shape[axis], *common[axis + 1 :]]) for x in parts
    ]
    _follow(call, members, parts)
    return collapse(np.concatenate(ids, axis=axis), call.outputs[0])


@rule("Stack")
def stack(call: Call) -> Channels:
    """Rule of stack: the stacked tensors lose the same channels."""
    axis = call.op.axis % len(call.outputs[0])
    united = _united(call, keras.tree.flatten(call.args))
    return Channels(np.expand_dims(united.ids, axis), tuple(call.outputs[0]))


def _united(call: Call, members: list[Any]) -> Channels:
    ids = np.broadcast_arrays(*(x.ids for x in call.inputs))
    call.unite(*ids)
    like = [x if isinstance(x, Channels) else Channels(ids[0], np.shape(x)) for x in members]
    _follow(call, members, like)
    return Channels(ids[0], tuple(call.outputs[0]))


def _channels(call: Call, x: Any, axis: int) -> Channels:
    if isinstance(x, Channels):
        return x
    return spread(call.ghosts(np.shape(x)[axis]), axis, np.shape(x))


def _follow(call: Call, members: list[Any], channels: list[Channels]) -> None:
    """Let constants lose the places whose channels go."""
    places = [place for place, x in enumerate(members) if not isinstance(x, Channels)]
    if not places:
        return

    def edit(operation: Any, kept: np.ndarray) -> Callable:
        def called(*args: Any) -> Any:
            flat = keras.tree.flatten(args)
            for place in places:
                flat[place] = _compressed(flat[place], channels[place], kept)
            return operation(*keras.tree.pack_sequence_as(args, flat))

        return called

    call.edit_call(edit)


def _compressed(value: Any, x: Channels, kept: np.ndarray) -> np.ndarray:
    value = np.asarray(value)
    for axis in x.varying:
        if value.shape[axis] > 1:
            value = value.compress(x.kept_along(axis, kept), axis=axis)
    return value


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
