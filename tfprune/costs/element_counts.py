"""How many numbers the layers compute besides the kernels' sums: what some FLOP counters add."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import keras
from keras import layers

from tfprune.graph.layer_calls import LayerCall, calls

Count = int | None  # None: on a map of unknown size

_CONVOLUTIONS = tuple(
    getattr(layers, f"{kind}{dimensions}D{suffix}")
    for kind, suffix in [("Conv", ""), ("Conv", "Transpose"), ("DepthwiseConv", ""),
                         ("SeparableConv", "")]
    for dimensions in (1, 2, 3)
    if hasattr(layers, f"{kind}{dimensions}D{suffix}")
)  # fmt: skip
_RECTIFIERS = (layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU)
_RECTIFIER_FUNCTIONS = tuple(
    getattr(keras.activations, name) for name in ("relu", "relu6", "leaky_relu", "elu")
)


@dataclass(frozen=True)
class Elements:
    """Numbers that one layer computes for one sample, over all its calls; None if unknown.

    Args:
        conv_bias: additions of a convolution's bias.
        dense_bias: additions of a dense layer's bias.
        norm: outputs of a batch normalisation.
        rectified: outputs of a ReLU or one of its kin, as a layer or as a layer's `activation`.
        pool_inputs: inputs of a pooling, without the zeros of a padding layer before it.
        pool_outputs: its outputs.
    """

    conv_bias: Count = 0
    dense_bias: Count = 0
    norm: Count = 0
    rectified: Count = 0
    pool_inputs: Count = 0
    pool_outputs: Count = 0

    def __add__(self, other: "Elements") -> "Elements":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Elements(*(None if None in pair else sum(pair) for pair in pairs))


def count_elements(model: keras.Model) -> dict[int, Elements]:
    """Count the elements of each layer of a functional model.

    Plain operations such as `keras.ops.relu` count nothing: they are what a counter that hooks
    modules does not see, and the papers' figures leave them out.

    Returns:
        {id of the layer: its elements}, a shared layer's over all calls.

    Example:
        >>> model = keras.Sequential([keras.Input((4, 4, 3)), layers.MaxPooling2D(2, name="pool")])
        >>> found = count_elements(model)[id(model.get_layer("pool"))]
        >>> found.pool_inputs, found.pool_outputs
        (48, 12)
    """
    found: dict[int, Elements] = defaultdict(Elements)
    unpadded: dict[int, Count] = {}  # by the id of a padding layer's output
    for call in calls(model):
        layer = call.operation
        if _is_padding(layer):
            unpadded[id(call.outputs[0])] = _size(call.inputs[0])
        elif isinstance(layer, layers.Layer):
            found[id(layer)] += Elements(**dict(_elements(call, unpadded)))
    return dict(found)


def _elements(call: LayerCall, unpadded: dict[int, Count]) -> Iterator[tuple[str, Count]]:
    layer, out = call.operation, _size(call.outputs[0])
    if getattr(layer, "use_bias", False) and isinstance(layer, (*_CONVOLUTIONS, layers.Dense)):
        yield "dense_bias" if isinstance(layer, layers.Dense) else "conv_bias", out
    if isinstance(layer, layers.BatchNormalization):
        yield "norm", out
    if _rectifies(layer):
        yield "rectified", out
    if "Pooling" in type(layer).__name__:
        before = call.inputs[0]
        yield "pool_inputs", unpadded.get(id(before), _size(before))
        yield "pool_outputs", out


def _is_padding(layer: Any) -> bool:
    return isinstance(layer, layers.ZeroPadding1D | layers.ZeroPadding2D | layers.ZeroPadding3D)


def _rectifies(layer: Any) -> bool:
    if isinstance(layer, _RECTIFIERS):
        return True
    activation = getattr(layer, "activation", None)
    return isinstance(activation, _RECTIFIERS) or activation in _RECTIFIER_FUNCTIONS


def _size(tensor: keras.KerasTensor) -> Count:
    """Return a tensor's number of elements for one sample."""
    return None if None in tensor.shape[1:] else math.prod(tensor.shape[1:])
