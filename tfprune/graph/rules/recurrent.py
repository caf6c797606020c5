"""Recurrent layers: a unit's gates, its state and its output go together."""

import keras
import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, spread
from tfprune.graph.rules._activations import apply_activation
from tfprune.graph.rules._registry import find, pin_all, rule

_GATES = {layers.SimpleRNN: 1, layers.GRU: 3, layers.LSTM: 4}
_CELLS = {layers.SimpleRNNCell: 1, layers.GRUCell: 3, layers.LSTMCell: 4}


@rule(*_GATES)
def recurrent(call: Call) -> list[Channels]:
    """Rule of SimpleRNN, GRU and LSTM: kernel [in, gates * units], states [units]."""
    if call.op.stateful:
        return pin_all(call, "a stateful layer keeps its state between calls")
    out = label_cell(call, call.produce(call.op.units))
    states = keras.tree.flatten(call.arguments().get("initial_state"))
    for x in call.inputs[1:]:
        if any(x is state for state in states):
            call.unite(out, call.channels(x))
        else:
            call.pin(x, "a mask of steps")
    return [spread(out, -1, shape) for shape in call.outputs]


@rule(layers.RNN)
def cells(call: Call) -> list[Channels]:
    """Rule of RNN around Keras' own cells: of several, each but the last is `rnn/cell_0` and on."""
    stacked = type(call.op.cell) is layers.StackedRNNCells
    parts = call.op.cell.cells if stacked else [call.op.cell]
    unknown = [type(x).__name__ for x in parts if type(x) not in _CELLS]
    if unknown:
        return pin_all(call, f"steps by {unknown[0]}, a cell of which no rule is known")
    if call.op.stateful or len(call.inputs) > 1:
        return pin_all(call, "a state that is given or kept, or a mask of steps")
    inner, lines = call, []
    for place, cell in enumerate(parts):
        path = ("cell", "cells", str(place)) if stacked else ("cell",)
        inner = call.inside(cell, *path)
        last = place == len(parts) - 1
        out = call.produce(cell.units) if last else call.produce_inside(f"cell_{place}", cell.units)
        label_cell(inner, out, lines[-1] if lines else None)
        lines.append(out)
    states = [[line] * (2 if type(x) is layers.LSTMCell else 1)
              for line, x in zip(lines, parts, strict=True)]  # fmt: skip
    every = [lines[-1], *(line for part in states for line in part)]
    return [spread(line, -1, shape) for line, shape in zip(every, call.outputs, strict=False)]


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


@rule(layers.Bidirectional)
def bidirectional(call: Call) -> list[Channels]:
    """Rule of Bidirectional: both directions lose the same units, whatever the merge mode.

    Its keep mask has one entry per unit of a direction.
    """
    both = (call.op.forward_layer, call.op.backward_layer)
    known = all(type(layer) in _GATES and not layer.stateful for layer in both)
    if not known or both[0].units != both[1].units or len(call.inputs) > 1:
        return pin_all(call, "directions of different kinds or sizes, or with given states")
    for layer, place in zip(both, ("layer", "backward_layer"), strict=True):
        out = label_cell(call.inside(layer, place), call.produce(layer.units))
    double = np.tile(out, 2)
    wide = call.op.merge_mode == "concat"
    return [spread(double if wide and i == 0 else out, -1, s) for i, s in enumerate(call.outputs)]


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
    for index, times in call.owner.times.items():  # each time step is one call
        new = None if None in (times, x.shape[1]) else (times - before.get(index, 0)) * x.shape[1]
        call.owner.times[index] = None if new is None else before.get(index, 0) + new
    outputs = [outputs] if isinstance(outputs, Channels) else outputs
    return [
        Channels(np.expand_dims(y.ids, 1), tuple(shape))
        for y, shape in zip(outputs, call.outputs, strict=True)
    ]
