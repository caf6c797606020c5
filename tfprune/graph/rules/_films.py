"""Convolutional LSTMs: a filter's four gates, its state and its output go together."""

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.rules._activations import apply_activation
from tfprune.graph.rules.convolution import positions

FILMS = (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)


def channel_axis(layer: layers.Layer) -> int:
    """Return the axis of the channels of a recurrent layer's outputs and states."""
    first = type(layer) in FILMS and layer.data_format == "channels_first"
    return -1 - layer.rank if first else -1


def label_film(call: Call) -> np.ndarray:
    """Label kernel [*window, in, 4 * filters] and the rest, and return the filters' ids."""
    layer = call.op
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
    return out
