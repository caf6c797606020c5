"""Normalisation layers: vectors that follow the channels, and statistics that may span them."""

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import pin_all, rule

_VECTORS = ("gamma", "beta", "scale", "moving_mean", "moving_variance")


def _follow(call: Call, ids: np.ndarray, axis: int = 0) -> Channels:
    for name in _VECTORS:
        if call.has(name):
            call.label(name, carries={axis: ids})
    return call.passed()


def _fixed(call: Call, axis: int) -> np.ndarray:
    """Return pinned ids for the places along an axis that is not the channels'."""
    places = call.ghosts(call.outputs[0][axis])
    call.pin(places, f"{type(call.op).__name__} works along another axis than the channels'")
    return places


@rule(layers.BatchNormalization, role="batch_normalisation")
def batch_normalization(call: Call) -> Channels:
    """Rule of BatchNormalization: every channel has statistics of its own."""
    x, axis = call.inputs[0], call.op.axis % len(call.outputs[0])
    across = x.varying and axis not in x.varying
    return _follow(call, _fixed(call, axis) if across else call.channels(axis=axis))


@rule(layers.LayerNormalization, layers.RMSNormalization, role="normalisation")
def layer_normalization(call: Call) -> Channels:
    """Rule of the normalisations over chosen axes: inexact where they span the channels."""
    axes = call.op.axis if isinstance(call.op.axis, list | tuple) else [call.op.axis]
    axes = [axis % len(call.outputs[0]) for axis in axes]
    for place, axis in enumerate(axes):
        if axis in call.inputs[0].varying:
            ids = call.channels(axis=axis)
            call.inexact(ids, f"{type(call.op).__name__} takes its statistics over the channels")
        else:
            ids = _fixed(call, axis)
        _follow(call, ids, place)
    return call.passed()


@rule(layers.GroupNormalization, role="normalisation")
def group_normalization(call: Call) -> Channels:
    """Rule of GroupNormalization: whole groups go, which leaves the others' statistics as they are.

    With `allow_inexact` groups shrink instead, all alike.
    """
    axis, groups = call.op.axis, call.op.groups
    ids = call.channels(axis=axis)
    if groups in (len(ids), -1):
        call.resize(groups=ids)
        return _follow(call, ids)
    members = ids.reshape(groups, -1)
    if not call.trace.allow_inexact:
        call.unite(members[:, :1], members)
        call.resize(groups=members[:, 0])
        return _follow(call, ids)
    call.inexact(ids, "GroupNormalization takes its statistics over the channels of a group")
    call.unite(members[:1], members)
    return _follow(call, ids)


@rule("Normalize")
@rule(layers.UnitNormalization, role="normalisation")
def unit_normalization(call: Call) -> Channels:
    """Rule of UnitNormalization and `ops.normalize`: the norm is taken over the given axes."""
    axes = call.op.axis if isinstance(call.op.axis, list | tuple) else [call.op.axis]
    axes = [axis % len(call.outputs[0]) for axis in axes]
    if any(axis in axes for axis in call.inputs[0].varying):
        kind = type(call.op).__name__
        call.inexact(call.inputs[0], f"{kind} takes its norm over the channels")
    return call.passed()


@rule(layers.Normalization)
def normalization(call: Call) -> list[Channels]:
    """Rule of the preprocessing Normalization: it stands at the input, whose channels stay."""
    return pin_all(call, "statistics of a preprocessing layer are left whole")
