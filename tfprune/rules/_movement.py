"""How a movement is written anew when some of the moved channels are gone."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfprune.channels import Channels
from tfprune.rules._registry import pin_all
from tfprune.trace import Call


def sizes(x: Channels, kept: np.ndarray) -> list[int | None]:
    """Return a tensor's shape once only the ids in `kept` are left."""
    shape: list[int | None] = list(x.shape)
    for axis in x.varying:
        others = tuple(other for other in range(x.ids.ndim) if other != axis)
        shape[axis] = int(kept[x.ids].any(axis=others).sum())
    return shape


def kept_along(x: Channels, axis: int, kept: np.ndarray) -> np.ndarray:
    """Return which positions along an axis are kept, bool [C]."""
    others = tuple(other for other in range(x.ids.ndim) if other != axis)
    return kept[x.ids].any(axis=others)


def taking(call: Call, out: Channels, axis: int) -> Callable:
    """Return the edit that replaces a call by a gather along one axis of channels."""
    x = call.inputs[0]
    order = np.arange(x.shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(x.shape))])
    source = np.asarray(call.op.call(order, *call.args[1:], **call.kwargs)).ravel()

    def edit(operation: Any, kept: np.ndarray) -> Callable:
        positions = _new_positions(source, x, out, axis, axis, kept)
        return lambda tensor, *_, **__: keras.ops.take(tensor, positions, axis=axis)

    return edit


def by_position(call: Call, outputs: list[Channels]) -> list[Channels]:
    """Let the key of `x[key]` follow what is kept along the axis of channels."""
    x, out = call.inputs[0], outputs[0]
    if not x.varying:
        return outputs
    key = list(_expanded(call.args[1] if len(call.args) > 1 else call.kwargs["key"], len(x.shape)))
    at = [i for i, part in enumerate(key) if part is not None]  # entry of each input axis
    picked = [axis for axis in x.varying if key[at[axis]] != slice(None)]
    if not picked:
        return outputs
    axis = picked[0]
    entry = at[axis]
    if len(picked) > 1 or isinstance(key[entry], int):
        return pin_all(call, "single channels are picked out")
    out_axis = entry - sum(isinstance(part, int) for part in key[:entry])
    source = np.arange(x.shape[axis])[key[entry]]

    def edit(operation: Any, kept: np.ndarray) -> Callable:
        positions = _new_positions(source, x, out, axis, out_axis, kept)
        step = positions[1] - positions[0] if len(positions) > 1 else 1
        if step > 0 and (np.diff(positions) == step).all():
            part = slice(positions[0], positions[-1] + 1, step)
            return lambda tensor, *_, **__: operation(tensor, _replace(key, entry, part))
        rest = _replace(key, entry, slice(None))
        return lambda tensor, *_, **__: keras.ops.take(
            operation(tensor, rest), positions, axis=out_axis
        )

    call.edit_call(edit)
    return outputs


def _new_positions(source: np.ndarray, x: Channels, out: Channels, axis: int, out_axis: int,
                   kept: np.ndarray) -> list[int]:  # fmt: skip
    rank = np.cumsum(kept_along(x, axis, kept)) - 1
    return [int(rank[p]) for p in source[kept_along(out, out_axis, kept)]]


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
