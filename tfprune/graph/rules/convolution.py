"""Convolutions: a kernel reads the input's channels and makes new ones."""

import math

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, Shape
from tfprune.graph.rules._activations import apply_activation
from tfprune.graph.rules._registry import rule


def channel_axis(layer: layers.Layer) -> int:
    """Return the axis of the channels under the layer's data format."""
    return 1 if layer.data_format == "channels_first" else -1


def positions(shape: Shape, axis: int) -> int | None:
    """Return the number of positions of one image's feature map; None if it is unknown."""
    space = list(shape[1:])
    del space[axis - 1 if axis > 0 else axis]
    return None if None in space else math.prod(space)


@rule(layers.Conv1D, layers.Conv2D, layers.Conv3D, role="convolution")
def convolution(call: Call) -> Channels:
    """Rule of the plain and grouped convolutions: kernel [*window, in / groups, out]."""
    layer, axis = call.op, channel_axis(call.op)
    x = call.channels(axis=axis)
    out = call.produce(layer.filters)
    reads = {-2: x} if layer.groups == 1 else _couple_groups(call, x, out)
    call.label("kernel", reads=reads, carries={-1: out}, times=positions(call.outputs[0], axis))
    return _finish(call, out, axis, filters=out)


def _couple_groups(call: Call, x: np.ndarray, out: np.ndarray) -> dict[int, np.ndarray]:
    """Tie what has to shrink together, and return what the kernel's input axis reads."""
    groups = call.op.groups
    inside, outside = x.reshape(groups, -1), out.reshape(groups, -1)
    if inside.shape[1] == 1:  # one channel a group: the groups go with their channels
        call.unite(inside, outside)
        call.resize(groups=x)
        return {}
    call.unite(inside[:1], inside)  # one kernel axis serves the k-th channel of every group
    call.unite(outside[:1], outside)
    return {-2: inside[0]}


@rule(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose, role="convolution")
def transposed_convolution(call: Call) -> Channels:
    """Rule of the transposed convolutions: kernel [*window, out, in]."""
    axis = channel_axis(call.op)
    x = call.channels(axis=axis)
    out = call.produce(call.op.filters)
    times = positions(call.inputs[0].shape, axis)
    call.label("kernel", reads={-1: x}, carries={-2: out}, times=times)
    return _finish(call, out, axis, filters=out)


@rule(layers.DepthwiseConv1D, layers.DepthwiseConv2D, role="convolution")
def depthwise_convolution(call: Call) -> Channels:
    """Rule of the depthwise convolutions: kernel [*window, in, multiplier]; ids repeat."""
    axis = channel_axis(call.op)
    x = call.channels(axis=axis)
    call.label("kernel", carries={-2: x}, times=positions(call.outputs[0], axis))
    return _finish(call, np.repeat(x, call.op.depth_multiplier), axis)


@rule(layers.SeparableConv1D, layers.SeparableConv2D, role="convolution")
def separable_convolution(call: Call) -> Channels:
    """Rule of the separable convolutions: depthwise, then a 1x1 kernel [1, 1, in * mult, out]."""
    axis = channel_axis(call.op)
    x = call.channels(axis=axis)
    out = call.produce(call.op.filters)
    times = positions(call.outputs[0], axis)
    call.label("depthwise_kernel", carries={-2: x}, times=times)
    deep = np.repeat(x, call.op.depth_multiplier)
    call.label("pointwise_kernel", reads={-2: deep}, carries={-1: out}, times=times)
    return _finish(call, out, axis, filters=out)


def _finish(call: Call, out: np.ndarray, axis: int, **sizes: np.ndarray) -> Channels:
    if call.has("bias"):
        call.label("bias", carries={0: out})
    call.resize(**sizes)
    apply_activation(call, call.op.activation, out)
    return call.output(out, axis)
