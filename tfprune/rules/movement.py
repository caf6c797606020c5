"""Pure data movement: the same movement is run on the array of ids."""

from typing import Any

import keras
import numpy as np
from keras import layers

from tfprune.channels import Channels, collapse
from tfprune.rules._movement import by_position, sizes, taking
from tfprune.rules._registry import pin_all, rule
from tfprune.trace import Call


def move(call: Call) -> list[Channels]:
    """Run the call on the ids in place of the numbers."""
    swap = _full_ids
    args = keras.tree.map_structure(swap, call.args)
    kwargs = keras.tree.map_structure(swap, call.kwargs)
    moved = keras.tree.flatten(call.op.call(*args, **kwargs))
    return [collapse(np.asarray(x), shape) for x, shape in zip(moved, call.outputs, strict=True)]


def _full_ids(value: Any) -> Any:
    return np.ascontiguousarray(value.full()) if isinstance(value, Channels) else value


@rule(
    layers.Flatten, layers.Permute, layers.RepeatVector, "Transpose", "Swapaxes", "Moveaxis",
    "Squeeze", "ExpandDims", "Flip", "Ravel", "Repeat", "Tile", "DepthToSpace", "SpaceToDepth",
)  # fmt: skip
def movement(call: Call) -> list[Channels]:
    """Rule of the movements that need no argument changed when channels go."""
    return move(call)


@rule(layers.Concatenate, "Concatenate", "Append", "Hstack", "Vstack", "Dstack")
def concatenate(call: Call) -> Channels | list[Channels]:
    """Rule of concatenation, on flat axes without writing the maps out."""
    axis = getattr(call.op, "axis", None)
    if axis is None:
        return move(call)
    axis %= len(call.outputs[0])
    if any(x.shape[axis] is None for x in call.inputs):
        call.unite(*(x.ids for x in call.inputs))
        return call.passed()
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
    call.unite(*(x.ids for x in call.inputs))
    axis = call.op.axis % len(call.outputs[0])
    return Channels(np.expand_dims(call.inputs[0].ids, axis), tuple(call.outputs[0]))


@rule(layers.Reshape, "Reshape")
def reshape(call: Call) -> list[Channels]:
    """Rule of Reshape: the target's sizes follow what is kept."""
    out = move(call)
    key = "target_shape" if isinstance(call.op, layers.Reshape) else "newshape"
    call.edit(key, lambda target, kept: _new_target(target, sizes(out[0], kept)))
    return out


def _new_target(target: Any, new: list[int | None]) -> Any:
    if isinstance(target, int):
        return target if target < 0 else new[0]
    new = new[len(new) - len(target) :]
    return [a if a is None or a < 0 or b is None else b for a, b in zip(target, new, strict=True)]


@rule("BroadcastTo")
def broadcast_to(call: Call) -> list[Channels]:
    """Rule of broadcast_to: the shape follows what is kept."""
    out = move(call)
    call.edit("shape", lambda target, kept: _new_target(target, sizes(out[0], kept)))
    return out


@rule("Split", "ArraySplit")
def split(call: Call) -> list[Channels]:
    """Rule of split: the borders follow what is kept on each side."""
    outputs = move(call)
    axis = call.op.axis

    def borders(value: Any, kept: np.ndarray) -> Any:
        counts = [int(sizes(x, kept)[axis]) for x in outputs]
        same = isinstance(value, int) and len(set(counts)) == 1
        return value if same else [int(n) for n in np.cumsum(counts)[:-1]]

    if axis % len(call.inputs[0].shape) in call.inputs[0].varying:
        call.edit("indices_or_sections", borders)
    return outputs


@rule("GetItem")
def get_item(call: Call) -> list[Channels]:
    """Rule of `x[...]`: along channels a slice becomes the kept positions it picks."""
    return by_position(call, move(call))


@rule("Roll", "Take")
def take(call: Call) -> list[Channels]:
    """Rule of roll and of take with fixed indices: a gather of the kept positions."""
    x = call.inputs[0]
    axis = call.op.axis
    if len(call.inputs) > 1 or not isinstance(axis, int):
        return pin_all(call, f"{type(call.op).__name__} with moving indices or over all axes")
    out = move(call)
    if axis % len(x.shape) in x.varying:
        if len(x.shape) != len(out[0].shape):
            return pin_all(call, f"{type(call.op).__name__} changes the number of axes")
        call.edit_call(taking(call, out[0], axis % len(x.shape)))
    return out


@rule("Unstack")
def unstack(call: Call) -> list[Channels]:
    """Rule of unstack: along channels each would become a tensor of its own, so they stay."""
    if call.op.axis % len(call.inputs[0].shape) in call.inputs[0].varying:
        return pin_all(call, "unstacked channels are counted by the code that follows")
    return move(call)
