"""Reductions: positions may be reduced; a reduction over channels reads them all."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import pin_all, rule

_OTHERS = ("Amax", "Amin", "Prod", "Std", "Var", "Any", "All", "Logsumexp")


def _at_zero(function: Callable[[Any, Any], Any]) -> Callable[[Any, float], Any]:
    return lambda result, share: function(result, 0.0)


# What makes of a reduction over the channels that are left one over all, those gone being zeros.
_WITH_ZEROS: dict[str, Callable[[Any, float], Any]] = {
    "Sum": lambda result, share: result,
    "Mean": lambda result, share: result * share,
    "Max": _at_zero(keras.ops.maximum),
    "Min": _at_zero(keras.ops.minimum),
}


@rule(*_WITH_ZEROS, *_OTHERS)
def reduction(call: Call) -> Channels | list[Channels]:
    """Rule of the reductions: over positions ids pass, over channels they are read.

    To be read means to be read as zero where a channel is gone, as by a kernel: a mean goes on to
    be divided by the old number of channels, a maximum to see a zero.
    """
    x, axes = call.inputs[0], call.op.axis
    axes = range(len(x.shape)) if axes is None else [axes] if isinstance(axes, int) else axes
    axes = {axis % len(x.shape) for axis in axes}
    x = call.level(x, axes)
    if axes & set(x.varying):
        return _read(call, x)
    ids = x.ids if call.op.keepdims else x.ids.squeeze(tuple(axes))
    return Channels(ids, tuple(call.outputs[0]))


@rule("Moments")
def moments(call: Call) -> list[Channels]:
    """Rule of moments: each channel has its own over positions; over channels they span all."""
    x, axes = call.inputs[0], call.op.axes
    axes = {axis % len(x.shape) for axis in ([axes] if isinstance(axes, int) else axes)}
    x = call.level(x, axes)
    if axes & set(x.varying):
        return pin_all(call, "moments are taken over the channels")
    ids = x.ids if call.op.keepdims else x.ids.squeeze(tuple(axes))
    return [Channels(ids, tuple(shape)) for shape in call.outputs]


def _read(call: Call, x: Channels) -> Channels | list[Channels]:
    finish = _WITH_ZEROS.get(type(call.op).__name__)
    initial = getattr(call.op, "initial", None) is not None
    if finish is None or len(x.varying) > 1 or initial or x is not call.args[0]:
        return pin_all(call, f"{type(call.op).__name__} is taken over the channels")
    (axis,) = x.varying
    line = x.along(axis)
    call.read(line, axis)

    def edit(operation: Any, kept: np.ndarray) -> Callable:
        share = float(kept[line].mean())
        if share == 1:
            return operation
        return lambda *args, **kwargs: finish(operation(*args, **kwargs), share)

    call.edit_call(edit)
    call.need(line)
    out = call.ghosts(1).reshape([1] * len(call.outputs[0]))
    return Channels(out, tuple(call.outputs[0]))
