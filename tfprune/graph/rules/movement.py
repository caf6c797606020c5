"""Pure data movement: the same movement is run on the array of ids."""

import math
from typing import Any

import keras
import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, collapse, spread
from tfprune.graph.rules._movement import move
from tfprune.graph.rules._registry import pin_all, rule


@rule(
    layers.Flatten, layers.Permute, layers.RepeatVector, "Transpose", "Swapaxes", "Moveaxis",
    "ExpandDims", "Flip", "Fliplr", "Flipud", "Rot90", "Ravel", "Tile", role="movement",
)  # fmt: skip
def movement(call: Call) -> list[Channels]:
    """Rule of the movements that need no argument changed when channels go."""
    return move(call)


@rule("DepthToSpace", "SpaceToDepth")
def blocks(call: Call) -> Channels:
    """Rule of depth_to_space and space_to_depth: half of a block can never go.

    The operation is run on the ids of one block, whose places are united.
    """
    axis = 1 if call.op.data_format == "channels_first" else -1
    side = call.op.block_size if type(call.op).__name__ == "SpaceToDepth" else 1
    line = call.channels(axis=axis)
    shape = (1, len(line), side, side) if axis == 1 else (1, side, side, len(line))
    block = np.ascontiguousarray(np.broadcast_to(spread(line, axis, shape).ids, shape))
    moved = np.asarray(call.op.call(block))
    out = spread(Channels(moved, moved.shape).along(axis), axis, moved.shape)
    call.unite(out.ids, moved)
    return call.output(out.ids.ravel(), axis)


@rule("ExtractPatches")
def patches(call: Call) -> Channels:
    """Rule of extract_patches: the channels of every place of a patch stand one behind another."""
    axis = 1 if call.op.data_format == "channels_first" else -1
    return call.output(np.tile(call.channels(axis=axis), math.prod(call.op.size)), axis)


@rule(layers.Reshape, "Reshape", role="movement")
def reshape(call: Call) -> list[Channels]:
    """Rule of Reshape: the target's sizes follow what is kept."""
    out = move(call, lambda unknown: _samples(call, unknown))
    key = "target_shape" if isinstance(call.op, layers.Reshape) else "newshape"
    call.edit(key, lambda target, kept: _new_target(target, out[0].sizes(kept)))
    return out


def _samples(call: Call, unknown: int) -> int:
    """Return how many samples a reshape needs that makes samples of positions, or back."""
    before, after = (
        math.prod(size or unknown for size in shape[1:])
        for shape in (call.inputs[0].shape, call.outputs[0])
    )
    return after // math.gcd(before, after)


def _new_target(target: Any, new: list[int | None]) -> Any:
    if isinstance(target, int):
        return target if target < 0 else new[0]
    new = new[len(new) - len(target) :]
    return [a if a is None or a < 0 or b is None else b for a, b in zip(target, new, strict=True)]


@rule("BroadcastTo")
def broadcast_to(call: Call) -> list[Channels]:
    """Rule of broadcast_to: the shape follows what is kept."""
    out = move(call)
    call.edit("shape", lambda target, kept: _new_target(target, out[0].sizes(kept)))
    return out


@rule("Squeeze", role="movement")
def squeeze(call: Call) -> list[Channels]:
    """Rule of squeeze: its axes are named, else a layer cut to one channel would lose that one."""
    if call.op.axis is not None:
        return move(call)
    x = call.inputs[0]
    axes = tuple(axis for axis, size in enumerate(x.shape) if size == 1)
    call.edit("axis", lambda _, kept: axes)
    return [Channels(x.ids.squeeze(axes), tuple(call.outputs[0]))]


@rule("Repeat")
def repeat(call: Call) -> list[Channels]:
    """Rule of repeat: a number for every channel would have to follow them."""
    if np.ndim(call.op.repeats) > 0 and call.inputs[0].varying:
        return pin_all(call, "repeats are counted for every channel")
    return move(call)


@rule("Split", "ArraySplit")
def split(call: Call) -> list[Channels]:
    """Rule of split: the borders follow what is kept on each side."""
    outputs = move(call)
    axis = call.op.axis % len(call.inputs[0].shape)

    def borders(value: Any, kept: np.ndarray) -> Any:
        counts = [int(x.kept_along(axis, kept).sum()) for x in outputs]
        same = isinstance(value, int) and len(set(counts)) == 1
        return value if same else [int(n) for n in np.cumsum(counts)[:-1]]

    if axis in call.inputs[0].varying:
        call.edit("indices_or_sections", borders)
        for part in outputs:
            call.need(part.ids.ravel())
    return outputs


@rule("Unstack")
def unstack(call: Call) -> list[Channels]:
    """Rule of unstack: along channels each would become a tensor of its own, so they stay.

    Where channels lie along another axis too, all the tensors lose the same of them.
    """
    x = call.level(call.inputs[0], [call.op.axis])
    if call.op.axis % len(x.shape) in x.varying:
        return pin_all(call, "unstacked channels are counted by the code that follows")
    return move(call)


@rule("Rearrange")
def rearrange(call: Call) -> list[Channels]:
    """Rule of rearrange: a given length of an axis follows what is kept along it."""
    arguments = call.arguments()
    lengths = arguments.get("axes_lengths", {})
    names = arguments["pattern"].partition("->")[0].replace("(", " ").replace(")", " ").split()
    ids = np.ascontiguousarray(call.inputs[0].full())
    parted = _parted(ids, arguments["pattern"], names, lengths)
    call.trace.moved.append(parted)

    def edit(operation: Any, kept: np.ndarray) -> Any:
        left = dict(zip(names, parted.sizes(kept), strict=True))
        new = {name: left[name] for name in lengths}
        return lambda tensor, *_, **__: operation(tensor, arguments["pattern"], **new)

    if any(names.index(name) in parted.varying for name in lengths):
        call.edit_call(edit)
    return move(call)


def _parted(ids: np.ndarray, pattern: str, names: list[str], lengths: dict) -> Channels:
    """Return the ids with one axis for every name on the pattern's left side."""
    left = pattern.partition("->")[0]
    parted = np.asarray(keras.ops.rearrange(ids, f"{left}-> {' '.join(names)}", **lengths))
    return collapse(parted, parted.shape)
