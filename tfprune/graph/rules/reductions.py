"""Reductions: positions may be reduced; a reduction over channels reads them all."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import pin_all, rule

_OTHERS = ("Amax", "Amin", "Prod", "All", "Logsumexp", "Argmax", "Argmin", "CountNonzero")


def _at_zero(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda result, share, mean: function(result, 0.0)


def _variance(result: Any, share: float, mean: Callable[[], Any]) -> Any:
    """Return the variance over all: those gone lie at 0, as far from the mean as the mean is."""
    return share * (result + (1 - share) * keras.ops.square(mean()))


# What makes of a reduction over the channels that are left one over all, those gone being zeros:
# its result, the share that is left, and what tells the mean over those.
_WITH_ZEROS: dict[str, Callable[[Any, float, Callable[[], Any]], Any]] = {
    "Sum": lambda result, share, mean: result,
    "Any": lambda result, share, mean: result,
    "Mean": lambda result, share, mean: result * share,
    "Max": _at_zero(keras.ops.maximum),
    "Min": _at_zero(keras.ops.minimum),
    "Var": _variance,
    "Std": lambda result, share, mean: keras.ops.sqrt(
        _variance(keras.ops.square(result), share, mean)
    ),
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
    """Rule of moments: as mean and variance are."""
    x, axes = call.inputs[0], call.op.axes
    axes = {axis % len(x.shape) for axis in ([axes] if isinstance(axes, int) else axes)}
    x = call.level(x, axes)
    if axes & set(x.varying):
        if len(x.varying) > 1 or call.op.synchronized:
            return pin_all(call, "moments are taken over the channels")
        (axis,) = x.varying
        line = x.along(axis)

        def finish(results: Any, share: float, *_: Any) -> tuple:
            mean, variance = results
            return mean * share, _variance(variance, share, lambda: mean)

        _read_as_zeros(call, line, axis, finish)
        shape = [1] * len(call.outputs[0])
        return [Channels(call.ghosts(1).reshape(shape), tuple(y)) for y in call.outputs]
    ids = x.ids if call.op.keepdims else x.ids.squeeze(tuple(axes))
    return [Channels(ids, tuple(shape)) for shape in call.outputs]


def _read(call: Call, x: Channels) -> Channels | list[Channels]:
    finish = _WITH_ZEROS.get(type(call.op).__name__)
    initial = getattr(call.op, "initial", None) is not None
    if finish is None or len(x.varying) > 1 or initial or x is not call.args[0]:
        return pin_all(call, f"{type(call.op).__name__} is taken over the channels")
    (axis,) = x.varying
    _read_as_zeros(call, x.along(axis), axis, finish)
    out = call.ghosts(1).reshape([1] * len(call.outputs[0]))
    return Channels(out, tuple(call.outputs[0]))


def _read_as_zeros(call: Call, line: np.ndarray, axis: int, finish: Callable[..., Any]) -> None:
    """Say that a reduction reads channels, and what makes of its result one over all of them."""
    call.read(line, axis)
    call.need(line)

    def edit(operation: Any, kept: np.ndarray) -> Callable:
        share = float(kept[line].mean())
        if share == 1:
            return operation

        def called(x: Any, *args: Any, **kwargs: Any) -> Any:
            def mean() -> Any:
                return keras.ops.mean(x, axis=operation.axis, keepdims=operation.keepdims)

            return finish(operation(x, *args, **kwargs), share, mean)

        return called

    call.edit_call(edit)
