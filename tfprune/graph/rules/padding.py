"""Padding along channels, as in parameter-free shortcuts: constants stand beside channels."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, spread
from tfprune.graph.rules._registry import pin_all, rule


@rule("Pad")
def pad(call: Call) -> Channels | list[Channels]:
    """Rule of pad: positions pad freely; along channels every place gets a ghost id.

    Ghosts have no layer that makes them, and they are not united with the padded channels: a
    channel that goes leaves its constant behind, and a place that goes takes its channel along
    nowhere. So the stages on both sides of a shortcut shrink each as it likes. A pad of no width
    at all does nothing but that: it is a joint at which channels may part.
    """
    x = call.inputs[0]
    widths = list(call.op.pad_width)
    widths = widths * len(x.shape) if len(widths) == 1 else widths
    single = [axis for axis, size in enumerate(x.shape) if size == 1]  # a lone channel's, perhaps
    joint = not np.any(widths)
    padded = [axis for axis in x.varying or single if joint or tuple(widths[axis]) != (0, 0)]
    if not padded:
        return call.passed()
    if len(x.varying) > 1 or call.op.mode != "constant":
        return pin_all(call, f"channels are padded in mode {call.op.mode!r}")
    if np.any(call.arguments().get("constant_values") or 0):
        return pin_all(call, "channels are padded with constants other than 0")
    axis = padded[0]
    out = spread(call.ghosts(call.outputs[0][axis]), axis, call.outputs[0])
    call.edit_call(_shortcut(x, out, axis, widths))
    call.read(x.along(axis), axis)
    return out


def _shortcut(x: Channels, out: Channels, axis: int, widths: list) -> Callable:
    """Return the edit that pads what is left, or gathers it where the order has gaps.

    A place of the output is a constant or shows a channel, and either may go without the other:

        channels kept      a . c              (b goes)
        output before      0 a b c 0 0
        output kept        0 a b c 0 .        (the sum behind the shortcut needs b's place still)
        output after       0 a 0 c 0

    Where the channels that are left stand in one piece between constants, a pad of other widths
    says it all. Here they do not: one zero is padded behind the channels (a c 0), and a gather
    takes it for every place without a channel (2 0 2 1 2). That is exact, costs nothing to speak
    of, and both are stock operations.
    """
    before = widths[axis][0]
    size = x.shape[axis]

    def edit(operation: Any, kept: np.ndarray) -> Callable:
        inside = x.kept_along(axis, kept)
        places = np.flatnonzero(out.kept_along(axis, kept)) - before
        alive = (places >= 0) & (places < size) & inside[places.clip(0, size - 1)]
        rank = np.cumsum(inside) - 1  # where a channel stands among those that are left
        count = int(inside.sum())
        positions = np.where(alive, rank[places.clip(0, size - 1)], count)  # count: the zero
        ends = _ends(positions, count)
        outer = [w if a != axis else (0, 0) for a, w in enumerate(widths)]
        if ends is not None:
            outer[axis] = ends
            return lambda tensor, *args, **kwargs: keras.ops.pad(tensor, outer, *args, **kwargs)
        outer[axis] = (0, 1)  # one constant for all the places whose channel is gone
        order = [int(p) for p in positions]
        return lambda tensor, *args, **kwargs: keras.ops.take(
            keras.ops.pad(tensor, outer, *args, **kwargs), order, axis=axis
        )

    return edit


def _ends(positions: np.ndarray, count: int) -> tuple[int, int] | None:
    """Return the widths (before, after) if positions are constants, all channels, constants."""
    for before in range(len(positions) - count + 1):
        after = len(positions) - count - before
        wanted = np.r_[np.full(before, count), np.arange(count), np.full(after, count)]
        if (positions == wanted).all():
            return before, after
    return None
