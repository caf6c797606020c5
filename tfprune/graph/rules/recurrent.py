"""Recurrent layers: a unit's gates, its state and its output go together."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, spread
from tfprune.graph.rules._activations import apply_activation
from tfprune.graph.rules._films import FILMS, channel_axis, label_film
from tfprune.graph.rules._registry import find, has_rule, pin_all, rule

_GATES = {layers.SimpleRNN: 1, layers.GRU: 3, layers.LSTM: 4}
_CELLS = {layers.SimpleRNNCell: 1, layers.GRUCell: 3, layers.LSTMCell: 4}


_NO_RULE = "steps by {}, a cell of which no rule is known"


@rule(*_GATES, *FILMS, layers.RNN)
def recurrent(call: Call) -> list[Channels]:
    """Rule of the recurrent layers: what comes out at each step, then the states.

    Of several cells each but the last is `layer/cell_0` and on.
    """
    lines = _labelled(call)
    if isinstance(lines, str):
        return pin_all(call, lines)
    axis = channel_axis(call.op)
    _take_states(call, lines[1:], axis)
    return [spread(ids, axis, shape) for ids, shape in zip(lines, call.outputs, strict=False)]


@rule(layers.Bidirectional)
def bidirectional(call: Call) -> list[Channels]:
    """Rule of Bidirectional: both directions lose the same units, whatever the merge mode.

    Its keep mask has one entry per unit of a direction.
    """
    both = (call.op.forward_layer, call.op.backward_layer)
    if type(both[0]) is not type(both[1]) or _size(both[0]) != _size(both[1]):
        return pin_all(call, "directions of different kinds or sizes")
    found = [_labelled(call.inside(layer, place))
             for layer, place in zip(both, ("layer", "backward_layer"), strict=True)]  # fmt: skip
    if isinstance(found[0], str):
        return pin_all(call, found[0])
    (out, *states), axis = found[0], channel_axis(both[0])
    _take_states(call, states * 2, axis)
    wide = call.op.merge_mode == "concat"
    first = [np.tile(out, 2)] if wide else [out] * (1 if call.op.merge_mode else 2)
    lines = [*first, *states * 2]
    return [spread(ids, axis, shape) for ids, shape in zip(lines, call.outputs, strict=False)]


def _size(layer: Any) -> Any:
    cell = getattr(layer, "cell", layer)
    return [type(x) for x in getattr(cell, "cells", [cell])], cell.state_size


def _labelled(call: Call) -> list[np.ndarray] | str:
    """Label a layer; return the ids of what comes out and of each state, or why it must stay."""
    layer = call.op
    if getattr(layer, "stateful", False):
        return "a stateful layer keeps its state between calls"
    if type(layer) in FILMS:
        return [label_film(call)] * 3
    if type(layer) in _GATES:
        out = label_cell(call, call.produce(layer.units))
        return [out] * (3 if type(layer) is layers.LSTM else 2)
    if type(layer) is layers.RNN:
        return _cells(call)
    return f"steps by {type(layer).__name__}, of which no rule is known"


def _take_states(call: Call, lines: Sequence[np.ndarray], axis: int) -> None:
    """Unite the states that a call is given with those that it keeps."""
    given = keras.tree.flatten(call.arguments().get("initial_state"))
    for line, state in zip(lines, given, strict=False):
        if isinstance(state, Channels):
            call.unite(line, call.channels(state, axis))
        elif state is not None:
            call.pin(line, "a constant is its first state")
    for x in call.inputs[1:]:
        if not any(x is state for state in given):
            call.pin(x, "a mask of steps")


def _cells(call: Call) -> list[np.ndarray] | str:
    """Label the cells of an RNN, Keras' own or one that has a rule."""
    cell = call.op.cell
    stacked = type(cell) is layers.StackedRNNCells
    parts = cell.cells if stacked else [cell]
    unknown = [type(x).__name__ for x in parts if type(x) not in _CELLS]
    if unknown:
        return _own_cell(call) if has_rule(cell) else _NO_RULE.format(unknown[0])
    inner, lines = call, []
    for place, part in enumerate(parts):
        path = ("cell", "cells", str(place)) if stacked else ("cell",)
        inner = call.inside(part, *path)
        last = place == len(parts) - 1
        out = call.produce(part.units) if last else call.produce_inside(f"cell_{place}", part.units)
        label_cell(inner, out, lines[-1] if lines else None)
        lines.append(out)
    states = [[line] * (2 if type(x) is layers.LSTMCell else 1)
              for line, x in zip(lines, parts, strict=True)]  # fmt: skip
    return [lines[-1], *(line for part in states for line in part)]


def _own_cell(call: Call) -> list[np.ndarray]:
    """Let a cell's rule label one step, whose states are those of the step before."""
    cell, x = call.op.cell, call.inputs[0]
    sizes = [n if isinstance(n, int) else n[-1] for n in keras.tree.flatten(cell.state_size)]
    states = [spread(call.ghosts(n), -1, (x.shape[0], n)) for n in sizes]
    step = Channels(call.level(x, [1]).ids[:, 0], (x.shape[0], *x.shape[2:]))
    inner = call.inside(cell, "cell")
    inner.inputs = [step, *states]
    inner.args, inner.kwargs = (step, states), {}
    inner.outputs = [(x.shape[0], call.outputs[0][-1]), *(state.shape for state in states)]
    before = dict(call.owner.times)
    outputs = find(cell)(inner)
    _count_steps(call, before)
    for old, new in zip(states, outputs[1:], strict=True):
        call.unite(old.ids, new.ids)
    return [y.along(-1) for y in outputs]


def _count_steps(call: Call, before: dict[int, int | None]) -> None:
    """Take what has been counted since for one step, of which the call makes as many as it has."""
    steps = call.inputs[0].shape[1]
    for index, times in call.owner.times.items():
        known = None not in (times, steps)
        new = (times - before.get(index, 0)) * steps if known else None
        call.owner.times[index] = None if new is None else before.get(index, 0) + new


def label_cell(call: Call, out: np.ndarray, x: np.ndarray | None = None) -> np.ndarray:
    """Label the weights of a layer's cell, and return the ids [units] of its units.

    Args:
        call: the call, of the layer or of a cell within.
        out: the ids of the units.
        x: the ids [in] of what it reads; by default those of the call's input.
    """
    layer = call.op
    gates = np.tile(out, (_GATES | _CELLS)[type(layer)])
    steps = call.inputs[0].shape[1]
    reads = {0: call.channels() if x is None else x}
    call.label("kernel", reads=reads, carries={1: gates}, times=steps)
    call.label("recurrent_kernel", reads={0: out}, carries={1: gates}, times=steps)
    if call.has("bias"):
        call.label("bias", carries={-1: gates})
    call.resize(units=out)
    for function in (layer.activation, getattr(layer, "recurrent_activation", None)):
        apply_activation(call, function, out)
    return out


@rule(layers.TimeDistributed)
def time_distributed(call: Call) -> list[Channels]:
    """Rule of TimeDistributed: the rule of its layer, with the time axis set aside."""
    x = call.inputs[0]
    if 1 in x.varying or not isinstance(call.op.layer, layers.Layer) or len(call.inputs) > 1:
        return pin_all(call, "channels vary over time")
    inner = call.inside(call.op.layer, "layer")
    inner.inputs = [Channels(x.ids[:, 0], (x.shape[0], *x.shape[2:]))]
    inner.args, inner.kwargs = tuple(inner.inputs), {}
    inner.outputs = [(shape[0], *shape[2:]) for shape in call.outputs]
    before = dict(call.owner.times)
    outputs = find(call.op.layer)(inner)
    _count_steps(call, before)
    outputs = [outputs] if isinstance(outputs, Channels) else outputs
    return [
        Channels(np.expand_dims(y.ids, 1), tuple(shape))
        for y, shape in zip(outputs, call.outputs, strict=True)
    ]
