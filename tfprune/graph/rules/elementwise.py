"""Layers and operations that compute each number from the number at the same place."""

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._activations import acts_alone, apply_activation
from tfprune.graph.rules._registry import pin_all, rule

_ACTIVATIONS = """Celu Gelu HardShrink HardSigmoid HardSilu HardTanh LogSigmoid Selu Silu
SoftShrink Softplus Softsign SparsePlus SparseSigmoid Squareplus Tanh TanhShrink
Threshold""".split()
_UNARY = """NanToNum Isfinite Isinf Isnan Deg2rad Rad2deg Erfinv Signbit Sinc
Abs Absolute Arccos Arccosh Arcsin Arcsinh Arctan Arctanh Cast Cbrt Ceil
ConvertToTensor Copy Cos Cosh Erf Erfc Exp Exp2 Expm1 Fabs Floor Log Log10 Log1p Log2 LogicalNot
Negative OnesLike Reciprocal Round Rsqrt SaturateCast Sign Sin Sinh Sqrt Square StopGradient Tan
Trunc ZerosLike""".split()


@rule(
    layers.ReLU, layers.LeakyReLU, layers.ELU, "Relu", "Relu6", "ReLU", "LeakyRelu", "Elu",
    role="rectifier",
)  # fmt: skip
@rule("Sigmoid", role="sigmoid")
@rule(*_ACTIVATIONS, role="activation")
@rule(
    layers.GaussianDropout, layers.SpatialDropout1D, layers.SpatialDropout2D,
    layers.SpatialDropout3D, role="dropout",
)  # fmt: skip
@rule(layers.Identity, role="identity")
@rule(layers.GaussianNoise, layers.ActivityRegularization, layers.InputLayer, *_UNARY)
def elementwise(call: Call) -> Channels:
    """Rule of everything that leaves the ids where they are."""
    return call.passed()


@rule(layers.Dropout, layers.AlphaDropout, role="dropout")
def dropout(call: Call) -> Channels:
    """Rule of dropout: a shape given for the noise would have to follow the channels."""
    x = call.inputs[0]
    shape = call.op.noise_shape or [None] * len(x.shape)
    if any(shape[axis] not in (None, 1) for axis in x.varying):
        call.pin(x, "the noise has a fixed number of channels")
    return call.passed()


@rule("Clip")
def clip(call: Call) -> Channels:
    """Rule of clip: bounds of every channel's own would have to follow the channels."""
    if np.ndim(call.op.x_min) > 0 or np.ndim(call.op.x_max) > 0:
        call.pin(call.inputs[0], "clip holds bounds for every channel")
    return call.passed()


@rule(layers.Activation, role="activation")
def activation(call: Call) -> Channels:
    """Rule of Activation: ids pass unless the function spans the channels."""
    if call.inputs[0].varying:
        apply_activation(call, call.op.activation, call.inputs[0].ids)
    return call.passed()


@rule(layers.Lambda, role="function")
def function_layer(call: Call) -> Channels | list[Channels]:
    """Rule of Lambda: ids pass where a trial shows that its function acts on numbers alone."""
    shape = tuple(call.outputs[0])
    if len(call.inputs) > 1 or shape != tuple(call.inputs[0].shape):
        return pin_all(call, "Lambda runs a function that is not known")
    if not acts_alone(call.op.call, len(shape)):
        return pin_all(call, "Lambda runs a function that does not act on each channel by itself")
    return call.passed()


@rule(layers.Softmax, "Softmax", role="softmax")
@rule("LogSoftmax", role="log_softmax")
def softmax(call: Call) -> Channels:
    """Rule of softmax: inexact along the channels, a plain map along another axis."""
    rank = len(call.outputs[0])
    axes = np.atleast_1d(call.op.axis if call.op.axis is not None else range(rank))
    x = call.level(call.inputs[0], [int(axis) for axis in axes])
    if {int(axis) % rank for axis in axes} & set(x.varying):
        call.inexact(x, "softmax normalises over all channels")
    return call.passed(x)


@rule(layers.Rescaling)
def rescaling(call: Call) -> Channels:
    """Rule of Rescaling: a scalar passes; a scale per channel stands at the input and stays."""
    if np.size(call.op.scale) > 1 or np.size(call.op.offset) > 1:
        call.pin(call.inputs[0], "Rescaling holds a scale for every channel")
    return call.passed()


@rule(layers.PReLU, role="rectifier")
def prelu(call: Call) -> Channels:
    """Rule of PReLU: alpha follows the input's axes; where it is shared an axis has length 1."""
    x = call.whole_heads(call.inputs[0])
    for axis in x.varying:
        if call.op.alpha.shape[axis - 1] > 1:
            call.label("alpha", carries={axis - 1: call.channels(x, axis)})
    return call.passed(x)


@rule("LayerScale")
def layer_scale(call: Call) -> Channels:
    """Rule of ConvNeXt's LayerScale: one factor per channel of the last axis."""
    ids = call.channels()
    call.label("gamma", carries={0: ids})
    call.resize(projection_dim=ids)
    return call.passed()


@rule(layers.Masking)
def masking(call: Call) -> Channels:
    """Rule of Masking: a step is dropped when all its features agree, so they all stay."""
    call.pin(call.inputs[0], "Masking compares all features of a step")
    return call.passed()
