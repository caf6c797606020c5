"""Layers and operations that combine tensors number by number: their channels unite."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, Shape
from tfprune.graph.rules._registry import pin_all, rule

_BINARY = """Subtract Multiply Divide DivideNoNan TrueDivide FloorDivide Maximum Minimum Fmax
Fmin Power Mod Arctan2 Where LogicalAnd LogicalOr LogicalXor Equal NotEqual Greater GreaterEqual
Less LessEqual Logaddexp Hypot""".split()


@rule(layers.Add, role="sum")
@rule(
    layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum,
)  # fmt: skip
def merge(call: Call) -> Channels:
    """Rule of the merging layers."""
    return unite_inputs(call, call.inputs)


@rule("Add", role="sum")
@rule(*_BINARY)
def binary(call: Call) -> Channels | list[Channels]:
    """Rule of the operations `x + y`, `x * 2`, `where`...: a constant follows the channels."""
    operands = [*call.args, *call.kwargs.values()]
    constants = [x for x in operands if not isinstance(x, Channels) and np.ndim(x) > 0]
    united = _spread_out(call, constants) or unite_inputs(call, call.inputs)
    if not any(_varies(np.shape(x), united) for x in constants):
        return united
    if len(operands) != len(call.args):
        return pin_all(call, "a constant for every channel is passed by keyword")
    call.edit_call(lambda operation, kept: _with_constants(operation, united, kept))
    return united


def _spread_out(call: Call, constants: Sequence[Any]) -> Channels | None:
    """Return channels that a line of constants makes of what has none, as the slopes of heads do.

    They have no layer that makes them; what they meet may go, and takes its constant along.
    """
    if len(constants) != 1 or any(x.varying for x in call.inputs):
        return None
    shape, rank = np.shape(constants[0]), len(call.outputs[0])
    wide = [rank - len(shape) + axis for axis, size in enumerate(shape) if size > 1]
    sizes = [((1,) * (rank - len(x.shape)) + tuple(x.shape)) for x in call.inputs]
    if len(wide) != 1 or any(size[wide[0]] != 1 for size in sizes):
        return None
    for x in call.inputs:
        call.pin(x, "one channel is broadcast over all")
    return call.output(call.ghosts(call.outputs[0][wide[0]]), wide[0])


@rule("CustomScaleLayer")
def inception_resnet_scale(call: Call) -> Channels:
    """Rule of Inception-ResNet's scale layer: x + scale * y."""
    return unite_inputs(call, call.inputs)


def unite_inputs(call: Call, inputs: Sequence[Channels]) -> Channels:
    """Unite tensors channel by channel as they broadcast, and return the result's channels.

    A tensor of size 1 along an axis of channels serves them all: it is pinned, not united, unless
    it has channels along an axis before the last, as a gate of every head.
    """
    shape = tuple(call.outputs[0])
    inputs = _alike_within_heads(call, inputs)
    aligned = [(x, x.ids.reshape([1] * (len(shape) - x.ids.ndim) + list(x.ids.shape)))
               for x in inputs]  # fmt: skip
    channel_axes = {a for _, ids in aligned for a, size in enumerate(ids.shape) if size > 1}
    full, narrow = [], []
    for x, ids in aligned:
        sizes = (1,) * (len(shape) - len(x.shape)) + tuple(x.shape)
        whole = all(sizes[axis] != 1 for axis in channel_axes)
        (full if whole else narrow).append((x, ids))
    known = {axis for _, ids in full for axis in _varying(ids)}
    members = [ids for _, ids in full]
    for x, ids in narrow:
        own = _varying(ids)
        if own and own < known and max(known) not in own:
            members.append(ids)
            continue
        call.pin(x, "one channel is broadcast over all")
        if own < known:  # heads may go all the same: each has all the places that stay
            for other in members:
                call.unite(np.broadcast_to(_first(other, own), other.shape), other)
    if not full:  # each is broadcast along the other's channels
        return pin_all(call, "channels are broadcast against each other")[0]
    call.unite(*members)
    # Along an axis where one of them has a single id, that id is now everyone's.
    tied = tuple(slice(min(sizes)) for sizes in zip(*(x.shape for x in members), strict=True))
    return Channels(np.broadcast_arrays(*members)[0][tied], shape)


def _varying(ids: np.ndarray) -> set[int]:
    return {axis for axis, size in enumerate(ids.shape) if size > 1}


def _first(ids: np.ndarray, axes: set[int]) -> np.ndarray:
    return ids[tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(ids.ndim))]


def _alike_within_heads(call: Call, inputs: Sequence[Channels]) -> Sequence[Channels]:
    """Return tensors with heads as a whole, unless all that have channels have the same places."""
    inner = {x.shape for x in inputs if call.place_axis(x) is not None}
    alike = len(inner) == 1 and all(x.shape in inner for x in inputs if x.varying)
    return inputs if alike or not inner else [call.whole_heads(x) for x in inputs]


def _varies(shape: Shape, x: Channels) -> bool:
    """Return whether a constant of this shape differs along an axis of channels."""
    offset = len(x.shape) - len(shape)
    return any(axis >= offset and shape[axis - offset] != 1 for axis in x.varying)


def _with_constants(operation: Any, x: Channels, kept: np.ndarray) -> Any:
    def compress(value: Any) -> Any:
        if isinstance(value, keras.KerasTensor) or np.ndim(value) == 0:
            return value
        offset = len(x.shape) - np.ndim(value)
        for axis in x.varying:
            left = x.kept_along(axis, kept)
            # A real tensor in place of a symbolic one has lost its channels already.
            if axis >= offset and not left.all() and np.shape(value)[axis - offset] == len(left):
                value = np.asarray(value).compress(left, axis=axis - offset)
        return value

    return lambda *args: operation(*map(compress, args))
