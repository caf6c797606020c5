"""Normalisation layers: vectors that follow the channels, and statistics that may span them."""

from typing import Any

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


@rule(layers.LayerNormalization, role="normalisation")
def layer_normalization(call: Call) -> Channels:
    """Rule of the normalisations over chosen axes: inexact where they span the channels."""
    axes = _axes(call)
    for place, axis in enumerate(axes):
        if axis in call.inputs[0].varying:
            ids = call.channels(axis=axis)
            call.inexact(ids, f"{type(call.op).__name__} takes its statistics over the channels")
        else:
            ids = _fixed(call, axis)
        _follow(call, ids, place)
    return call.passed()


@rule(layers.RMSNormalization, role="normalisation")
def rms_normalization(call: Call) -> Channels:
    """Rule of RMSNormalization: the mean of squares sees zeros for the channels that are gone.

    With a share s of the channels left, x / sqrt(s * mean + epsilon) is what the layer makes of an
    epsilon of epsilon / s, times 1 / sqrt(s).
    """
    x, axes = call.inputs[0], _axes(call)
    if len(x.varying) != 1 or x.varying[0] not in axes:
        return layer_normalization(call)
    (axis,) = x.varying
    ids = call.channels(axis=axis)
    for place, other in enumerate(axes):
        _follow(call, ids if other == axis else _fixed(call, other), place)
    call.read(ids, axis)
    call.edit("epsilon", lambda old, kept: old / float(kept[ids].mean()))

    def edit(layer: Any, kept: np.ndarray) -> Any:
        share = float(kept[ids].mean())
        return layer if share == 1 else lambda *args, **kwargs: layer(*args, **kwargs) / share**0.5

    call.edit_call(edit)
    return call.passed()


def _axes(call: Call) -> list[int]:
    axes = call.op.axis if isinstance(call.op.axis, list | tuple) else [call.op.axis]
    return [axis % len(call.outputs[0]) for axis in axes]


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
    """Rule of UnitNormalization and `ops.normalize`: a norm sees zeros where channels are gone."""
    x = call.level(call.inputs[0], set(_axes(call)))
    for axis in set(_axes(call)) & set(x.varying):
        ids = call.channels(x, axis)
        call.read(ids, axis)
        call.need(ids)
    return call.passed(x)


@rule(layers.Normalization)
def normalization(call: Call) -> list[Channels]:
    """Rule of the preprocessing Normalization: it stands at the input, whose channels stay."""
    return pin_all(call, "statistics of a preprocessing layer are left whole")
