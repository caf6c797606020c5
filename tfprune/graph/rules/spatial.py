"""Pooling, padding, cropping and resizing: they mix or move positions, never channels."""

from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import rule
from tfprune.graph.rules.convolution import channel_axis


def _in_all_dimensions(*names: str) -> list[type]:
    """Return the layers of these names for 1, 2 and 3 dimensions, as many as Keras has."""
    found = (getattr(layers, f"{name}{n}D", None) for name in names for n in (1, 2, 3))
    return [kind for kind in found if kind is not None]


@rule(
    *_in_all_dimensions("GlobalAveragePooling", "AdaptiveAveragePooling"),
    role="global_average_pooling",
)
@rule(*_in_all_dimensions("AveragePooling"), role="average_pooling")
@rule(
    *_in_all_dimensions("MaxPooling", "GlobalMaxPooling", "AdaptiveMaxPooling"), role="max_pooling"
)
@rule(*_in_all_dimensions("UpSampling"), layers.Resizing, role="resizing")
@rule(*_in_all_dimensions("ZeroPadding"), role="padding")
@rule(*_in_all_dimensions("Cropping"), layers.CenterCrop, role="cropping")
def spatial(call: Call) -> Channels:
    """Rule of the layers that treat each channel's map by itself."""
    has_format = hasattr(call.op, "data_format")
    axis = channel_axis(call.op) if has_format else -1
    return call.output(call.channels(axis=axis), axis)


@rule("AdaptiveAveragePool", role="global_average_pooling")
@rule("AveragePool", role="average_pooling")
@rule("MaxPool", "AdaptiveMaxPool", role="max_pooling")
@rule("Resize", role="resizing")
@rule("PadImages", role="padding")
@rule("CropImages", role="cropping")
def spatial_operation(call: Call) -> Channels:
    """Rule of the operations that treat each channel's map by itself."""
    axis = 1 if call.op.data_format == "channels_first" else -1
    return call.output(call.channels(axis=axis), axis)
