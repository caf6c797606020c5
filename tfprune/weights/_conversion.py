"""How PyTorch stores what a Keras layer's weights hold: names, shapes and orders of axes."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import keras
import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """Where a Keras variable comes from.

    Args:
        variable: the variable.
        suffix: the tensor's name within its PyTorch module.
        shape: the tensor's shape.
        convert: returns the variable's value for the tensor.
    """

    variable: keras.Variable
    suffix: str
    shape: Shape
    convert: Callable[[np.ndarray], np.ndarray]


def sources(layer: keras.layers.Layer, flattened: Shape | None = None) -> list[Source] | None:
    """Return the sources of a layer's weights, None for a kind of layer that is not known.

    Args:
        layer: a built layer.
        flattened: for a dense layer behind a Flatten the height, width and channels before it:
            PyTorch flattens channels first.
    """
    if isinstance(layer, keras.layers.Dense) and flattened is not None:
        return _with_bias(layer, _flattened_kernel(layer, flattened))
    find = _KINDS.get(type(layer))
    return None if find is None else find(layer)


def _conv(layer: keras.layers.Layer) -> list[Source]:
    height, width, inputs, outputs = layer.kernel.shape
    shape = (outputs, inputs, height, width)
    return _with_bias(layer, Source(layer.kernel, "weight", shape, _transpose(2, 3, 1, 0)))


def _depthwise(layer: keras.layers.Layer) -> list[Source]:
    height, width, channels, multiplier = layer.kernel.shape

    def convert(tensor: np.ndarray) -> np.ndarray:
        return tensor.reshape(channels, multiplier, height, width).transpose(2, 3, 0, 1)

    shape = (channels * multiplier, 1, height, width)
    return _with_bias(layer, Source(layer.kernel, "weight", shape, convert))


def _dense(layer: keras.layers.Layer) -> list[Source]:
    kernel = Source(layer.kernel, "weight", tuple(layer.kernel.shape)[::-1], _transpose(1, 0))
    return _with_bias(layer, kernel)


def _flattened_kernel(layer: keras.layers.Layer, before: Shape) -> Source:
    height, width, channels = before

    def convert(tensor: np.ndarray) -> np.ndarray:
        maps = tensor.reshape(-1, channels, height, width)
        return maps.transpose(2, 3, 1, 0).reshape(-1, len(tensor))

    return Source(layer.kernel, "weight", tuple(layer.kernel.shape)[::-1], convert)


def _norm(layer: keras.layers.Layer) -> list[Source]:
    pairs = {
        "weight": layer.gamma,
        "bias": layer.beta,
        "running_mean": layer.moving_mean,
        "running_var": layer.moving_variance,
    }
    return [_same(variable, suffix) for suffix, variable in pairs.items() if variable is not None]


def _with_bias(layer: keras.layers.Layer, kernel: Source) -> list[Source]:
    return [kernel] if layer.bias is None else [kernel, _same(layer.bias, "bias")]


def _same(variable: keras.Variable, suffix: str) -> Source:
    return Source(variable, suffix, tuple(variable.shape), _transpose(0))


def _transpose(*axes: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda tensor: tensor.transpose(axes)


# By exact type: a subclass may store its weights otherwise.
_KINDS = MappingProxyType(
    {
        keras.layers.Conv2D: _conv,
        keras.layers.DepthwiseConv2D: _depthwise,
        keras.layers.Dense: _dense,
        keras.layers.BatchNormalization: _norm,
    }
)
