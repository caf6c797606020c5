"""Convolutional LSTMs: a filter's four gates, its state and its output go together."""

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, spread
from tfprune.graph.rules._activations import apply_activation
from tfprune.graph.rules._registry import pin_all, rule
from tfprune.graph.rules.convolution import positions


@rule(layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
def conv_lstm(call: Call) -> list[Channels]:
    """Rule of the convolutional LSTMs: kernel [*window, in, 4 * filters], states [filters]."""
    layer = call.op
    if layer.stateful or len(call.inputs) > 1:
        return pin_all(call, "a state that is kept or given, or a mask of steps")
    first = layer.data_format == "channels_first"
    out = call.produce(layer.filters)
    gates = np.tile(out, 4)
    steps = call.inputs[0].shape[1]
    image = (None, *layer.cell.compute_output_shape((None, *call.inputs[0].shape[2:]))[0][1:])
    space = positions(image, 1 if first else -1)
    times = None if None in (steps, space) else steps * space
    x = call.channels(axis=2 if first else -1)
    call.label("kernel", reads={-2: x}, carries={-1: gates}, times=times)
    call.label("recurrent_kernel", reads={-2: out}, carries={-1: gates}, times=times)
    if call.has("bias"):
        call.label("bias", carries={0: gates})
    call.resize(filters=out)
    for function in (layer.activation, layer.recurrent_activation):
        apply_activation(call, function, out)
    axis = -1 - layer.rank if first else -1
    return [spread(out, axis, shape) for shape in call.outputs]
