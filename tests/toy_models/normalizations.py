"""Normalisations: statistics of one channel, or over channels."""

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
from keras import layers, ops

from tests.abilities import require_keras
from tests.toy_models._toy import Toy, toy


def _between(layer: Callable, inexact: str | None, why: str = "") -> Toy:
    image = keras.Input((4, 4, 3))
    x = layer(layers.Conv2D(6, 1, name="a")(image))
    y = layers.Conv2D(2, 1, name="head")(layers.Conv2D(4, 1, name="b")(x))
    exact = {"b": "ghij", "head": ".."}
    if inexact is None:
        return Toy(keras.Model(image, y), {"a": "abcdef", **exact})
    return Toy(keras.Model(image, y), {"a": "......", **exact}, {"a": why}, {"a": inexact, **exact})


@toy
def group_norm_of_single_channels() -> Toy:
    """Image -> a(6) -> GroupNorm, one channel a group -> b(4) -> head(2)."""
    return _between(layers.GroupNormalization(6, name="norm"), None)


@toy
def instance_norm() -> Toy:
    """Image -> a(6) -> GroupNorm(-1) without weights -> b(4) -> head(2)."""
    return _between(layers.GroupNormalization(-1, scale=False, center=False, name="norm"), None)


@toy
def group_norm_of_pairs() -> Toy:
    """Image -> a(6) -> GroupNorm, 2 groups of 3 that go as wholes -> b(4) -> head(2)."""
    toy = _between(layers.GroupNormalization(2, name="norm"), None)
    return replace(toy, units={**toy.units, "a": "eeefff"})


@toy
def layer_norm() -> Toy:
    """Image -> a(6) -> LayerNorm -> b(4) -> head(2)."""
    return _between(layers.LayerNormalization(name="norm"), "abcdef", "statistics over the")


@toy
def layer_norm_over_places() -> Toy:
    """Image -> a(6) -> LayerNorm of each channel's map -> b(4) -> head(2)."""
    return _between(layers.LayerNormalization(axis=(1, 2), name="norm"), None)


@toy
def layer_norm_over_everything() -> Toy:
    """Image -> a(6) -> LayerNorm of each image, gamma [4, 4, 6] -> b(4) -> head(2)."""
    norm = layers.LayerNormalization(axis=(1, 2, 3), name="norm")
    return _between(norm, "abcdef", "statistics over the channels")


@toy
def rms_norm() -> Toy:
    """Image -> a(6) -> RMSNorm -> b(4) -> head(2)."""
    return _between(layers.RMSNormalization(epsilon=0.1, name="norm"), None)


@toy
def rms_norm_over_everything() -> Toy:
    """Image -> a(6) -> RMSNorm of each image, scale [4, 4, 6] -> b(4) -> head(2)."""
    require_keras("3.14", "RMSNormalization over several axes")
    return _between(layers.RMSNormalization(axis=(1, 2, 3), name="norm"), None)


@toy
def unit_norm() -> Toy:
    """Image -> a(6) -> UnitNorm -> b(4) -> head(2)."""
    return _between(layers.UnitNormalization(name="norm"), None)


@toy
def unit_norm_by_an_operation() -> Toy:
    """Image -> a(6) -> divided by the sum of its absolute values -> b(4) -> head(2)."""
    return _between(lambda x: ops.normalize(x, axis=-1, order=1), None)


@toy
def norm_by_moments() -> Toy:
    """Image -> a(6) -> less the channels' mean, by their deviation -> b(4) -> head(2)."""

    def norm(x: keras.KerasTensor) -> keras.KerasTensor:
        mean, variance = ops.moments(x, axes=-1, keepdims=True)
        return (x - mean) / ops.sqrt(variance + 0.1)

    return _between(norm, None)


@toy
def gate_by_variance() -> Toy:
    """Image -> a(6) -> times the channels' variance, plus their deviation -> b(4) -> head(2)."""

    def norm(x: keras.KerasTensor) -> keras.KerasTensor:
        return x * ops.var(x, axis=3, keepdims=True) + ops.std(x, axis=-1, keepdims=True)

    return _between(norm, None)


@toy
def softmax_over_channels() -> Toy:
    """Image -> a(6) -> softmax of the channels -> b(4) -> head(2)."""
    return _between(layers.Softmax(name="norm"), "abcdef", "normalises over all channels")


@toy
def softmax_over_places() -> Toy:
    """Image -> a(6) -> softmax of the rows -> b(4) -> head(2)."""
    return _between(layers.Softmax(axis=1, name="norm"), None)


@toy
def softmax_inside_a_layer() -> Toy:
    """Image -> a(6) -> softmax as activation -> b(4) -> head(2)."""
    norm = layers.Activation("softmax", name="norm")
    return _between(norm, "abcdef", "normalises over all channels")


@toy
def batch_norm_of_rows() -> Toy:
    """Image -> a(6) -> BatchNorm of the rows, not of the channels -> b(4) -> head(2)."""
    return _between(layers.BatchNormalization(axis=1, name="norm"), None)


@toy
def spectral_norm() -> Toy:
    """Image -> spectral a(3) -> depthwise d(3) -> transposed b(4), both spectral -> head(2)."""
    image = keras.Input((4, 4, 3))
    inner = {
        "a": layers.Conv2D(3, 1),
        "d": layers.DepthwiseConv2D(2),
        "b": layers.Conv2DTranspose(4, 2),
    }
    x = image
    for name, layer in inner.items():
        x = layers.SpectralNormalization(layer, name=name)(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "efg", "b": "abcd", "head": ".."})


@toy
def preprocessing() -> Toy:
    """Image -> adapted Normalization -> Rescaling -> a(4) -> Rescaling -> head(2)."""
    norm = layers.Normalization(name="norm")
    norm.adapt(np.random.default_rng(0).normal(3.0, 2.0, (8, 4, 4, 3)))
    image = keras.Input((4, 4, 3))
    x = layers.Rescaling([0.5, 1.0, 2.0], [1.0, 2.0, 3.0], name="each")(norm(image))
    x = layers.Rescaling(0.5, -1.0, name="all")(layers.Conv2D(4, 1, name="a")(x))
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."})


@toy
def normalization_inside() -> Toy:
    """Image -> a(3) -> Normalization with given statistics, left whole -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(3, 1, name="a")(image)
    x = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 2.0, 3.0], name="norm")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "...", "head": ".."}, {"a": "preprocessing"})
