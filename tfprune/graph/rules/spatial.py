"""Pooling, padding, cropping and resizing: they mix or move positions, never channels."""

from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import pin_all, rule
from tfprune.graph.rules.convolution import channel_axis

_KINDS = """AdaptiveAveragePooling AdaptiveMaxPooling AveragePooling GlobalAveragePooling
GlobalMaxPooling MaxPooling UpSampling ZeroPadding Cropping""".split()
_LAYERS = [
    getattr(layers, f"{kind}{dimensions}D")
    for kind in _KINDS
    for dimensions in (1, 2, 3)
    if hasattr(layers, f"{kind}{dimensions}D")
]


@rule(*_LAYERS, layers.Resizing, layers.CenterCrop)
def spatial(call: Call) -> Channels:
    """Rule of the layers that treat each channel's map by itself."""
    has_format = hasattr(call.op, "data_format")
    axis = channel_axis(call.op) if has_format else -1
    return call.output(call.channels(axis=axis), axis)


@rule("Resize", "MaxPool", "AveragePool", "AdaptiveMaxPool", "AdaptiveAveragePool", "CropImages",
      "PadImages")  # fmt: skip
def spatial_operation(call: Call) -> Channels:
    """Rule of the operations that treat each channel's map by itself."""
    axis = 1 if call.op.data_format == "channels_first" else -1
    return call.output(call.channels(axis=axis), axis)


@rule("Mean", "Sum", "Max", "Min", "Amax", "Amin", "Prod", "Std", "Var", "Any", "All",
      "Logsumexp")  # fmt: skip
def reduction(call: Call) -> Channels:
    """Rule of the reductions: positions may be reduced, a reduction over channels needs them."""
    x, axes = call.inputs[0], call.op.axis
    axes = range(len(x.shape)) if axes is None else [axes] if isinstance(axes, int) else axes
    axes = {axis % len(x.shape) for axis in axes}
    if axes & set(x.varying):
        return pin_all(call, f"{type(call.op).__name__} is taken over the channels")[0]
    ids = x.ids if call.op.keepdims else x.ids.squeeze(tuple(axes))
    return Channels(ids, tuple(call.outputs[0]))
