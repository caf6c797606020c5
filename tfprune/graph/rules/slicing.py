"""Slices and gathers along channels: the kept positions of what they pick."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._movement import move
from tfprune.graph.rules._registry import pin_all, rule
from tfprune.graph.rules.merging import unite_inputs


@rule("GetItem")
def get_item(call: Call) -> list[Channels]:
    """Rule of `x[...]`: along channels a slice becomes the kept positions it picks."""
    x = call.inputs[0]
    key = list(_expanded(call.arguments()["key"], len(x.shape)))
    if not all(part is None or isinstance(part, int | slice) for part in key):
        return pin_all(call, "positions are picked by a tensor")
    at = [i for i, part in enumerate(key) if part is not None]  # entry of each input axis
    # One of several axes that is picked from, `qkv[0]`: what is left of the others is the same.
    single = [axis for axis in x.varying if isinstance(key[at[axis]], int)]
    x = call.level(x, single)
    picked = [axis for axis in x.varying if key[at[axis]] != slice(None)]
    if set(picked) & set(x.rounds):
        return pin_all(call, "channels are picked along an axis of unknown size")
    if len(picked) > 1 or any(isinstance(key[at[axis]], int) for axis in picked):
        return pin_all(call, "single channels are picked out")
    outputs = move(call)
    if picked:
        call.edit_call(_slicing(x, outputs[0], picked[0], key, at[picked[0]]))
        call.need(outputs[0].ids.ravel())
    return outputs


def _slicing(x: Channels, out: Channels, axis: int, key: list, entry: int) -> Callable:
    """Return the edit that makes one entry of a key follow what is kept."""
    out_axis = entry - sum(isinstance(part, int) for part in key[:entry])
    source = np.arange(x.shape[axis])[key[entry]]

    def edit(operation: Any, kept: np.ndarray) -> Callable:
        positions = _new_positions(source, x, out, (axis, out_axis), kept)
        step = positions[1] - positions[0] if len(positions) > 1 else 1
        if step > 0 and (np.diff(positions) == step).all():
            part = slice(positions[0], positions[-1] + 1, step)
            return lambda tensor, *_, **__: operation(tensor, _replace(key, entry, part))
        rest = _replace(key, entry, slice(None))
        return lambda tensor, *_, **__: keras.ops.take(
            operation(tensor, rest), positions, axis=out_axis
        )

    return edit


@rule("Roll", "Take")
def take(call: Call) -> list[Channels]:
    """Rule of roll and of take with fixed indices: a gather of the kept positions."""
    x, axis = call.inputs[0], call.op.axis
    if (picked := _looked_up(call)) is not None:
        return picked
    if _passes_by(call, x, axis):
        return move(call)
    if len(call.inputs) > 1 or not isinstance(axis, int):
        return pin_all(call, f"{type(call.op).__name__} with moving indices or over all axes")
    if not isinstance(call.args[0], Channels):
        return pin_all(call, "rows of a constant are picked by number")
    out, axis = move(call), axis % len(x.shape)
    if axis in x.varying:
        if len(x.shape) != len(out[0].shape):
            return pin_all(call, f"{type(call.op).__name__} changes the number of axes")
        call.edit_call(_taking(call, out[0], axis))
        call.need(out[0].ids.ravel())
    return out


@rule("TakeAlongAxis")
def take_along_axis(call: Call) -> Channels | list[Channels]:
    """Rule of take_along_axis: moving places along another axis than the channels'."""
    x, places, axis = call.inputs[0], call.inputs[-1], call.op.axis
    if len(call.inputs) < 2 or axis is None or axis % len(x.shape) in (*x.varying, *places.varying):
        return pin_all(call, "TakeAlongAxis picks channels, or from a constant")
    return unite_inputs(call, call.inputs)


def _looked_up(call: Call) -> list[Channels] | None:
    """Return what moving indices pick along another axis than the channels', as of a table."""
    if type(call.op).__name__ != "Take" or not isinstance(call.op.axis, int):
        return None
    if len(call.args) != 2 or not all(isinstance(x, Channels) for x in call.args):
        return None
    x, indices = call.args
    axis = call.op.axis % len(x.shape)
    if axis in x.varying:
        return None
    call.pin(indices, "indices of a table")
    shape = [*x.ids.shape[:axis], *[1] * len(indices.shape), *x.ids.shape[axis + 1 :]]
    return [Channels(x.ids.reshape(shape), tuple(call.outputs[0]))]


def _passes_by(call: Call, x: Channels, axes: Any) -> bool:
    """Return whether several axes are rolled, and no channel lies along one of them."""
    several = isinstance(axes, list | tuple) and len(call.inputs) == 1
    return several and not {axis % len(x.shape) for axis in axes} & set(x.varying)


def _taking(call: Call, out: Channels, axis: int) -> Callable:
    """Return the edit that replaces a call by a gather along one axis of channels."""
    x = call.inputs[0]
    order = np.arange(x.shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(x.shape))])
    source = np.asarray(call.op.call(order, *call.args[1:], **call.kwargs)).ravel()

    def edit(operation: Any, kept: np.ndarray) -> Callable:
        if x.kept_along(axis, kept).all():
            return operation
        positions = _new_positions(source, x, out, (axis, axis), kept)
        return lambda tensor, *_, **__: keras.ops.take(tensor, positions, axis=axis)

    return edit


def _new_positions(
    source: np.ndarray, x: Channels, out: Channels, axes: tuple[int, int], kept: np.ndarray
) -> list[int]:
    rank = np.cumsum(x.kept_along(axes[0], kept)) - 1
    return [int(rank[p]) for p in source[out.kept_along(axes[1], kept)]]


def _replace(key: list, entry: int, part: slice) -> tuple:
    return tuple(part if i == entry else old for i, old in enumerate(key))


def _expanded(key: Any, rank: int) -> list:
    """Return a key with one entry per axis: without an ellipsis, with all trailing slices."""
    parts = list(key) if isinstance(key, list | tuple) else [key]
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    at = next(i for i, part in enumerate(parts) if part is Ellipsis)
    used = sum(part is not None and part is not Ellipsis for part in parts)
    return parts[:at] + [slice(None)] * (rank - used) + parts[at + 1 :]
