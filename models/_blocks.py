"""What the families share: a configuration's common part, and layers as one network makes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import keras
from keras import KerasTensor, layers

# Initialisers are names or descriptions, never instances: without a seed, an instance that serves
# two layers gives both the same weights.
PYTORCH_UNIFORM = {  # limit sqrt(1 / fan_in): PyTorch's default for kernels
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"},
}
KAIMING_FAN_OUT = {  # torchvision's for convolutions
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What the look-up knows of every network; families add their own fields.

    Args:
        num_classes: default number of classes.
        input_shape: default height, width and channels.
        min_size: least height and width of the images.
        blocks: arguments of `Blocks`.
    """

    num_classes: int = 10
    input_shape: tuple[int, int, int] = (32, 32, 3)
    min_size: int = 1
    blocks: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """The layers of one network: how it pads, starts and normalises, whatever the block.

    Args:
        use_bias: whether the convolutions have a bias.
        initializer: of the convolutions' kernels.
        dense_initializer: of the dense kernels.
        symmetric: whether strided layers pad both sides alike, as PyTorch does; "same" padding
            puts the odd row and column behind, so that weights would see shifted images.
        momentum: of batch normalisation.
        epsilon: of batch normalisation.
        synchronized: whether batch normalisation sees the samples of all replicas.
    """

    use_bias: bool = False
    initializer: str | Mapping[str, Any] = "he_normal"
    dense_initializer: str | Mapping[str, Any] = "glorot_uniform"
    symmetric: bool = True
    momentum: float = 0.9
    epsilon: float = 1e-5
    synchronized: bool = False

    def conv(
        self, x: KerasTensor, filters: int, size: int, *, name: str, strides: int = 1,
        dilation: int = 1, use_bias: bool | None = None,
    ) -> KerasTensor:  # fmt: skip
        """Return a convolution of square kernels that keeps the size but for its stride."""
        padding = "same"
        if self.symmetric and strides > 1:  # without a stride "same" is symmetric already
            x, padding = self.pad(x, size // 2, name), "valid"
        return layers.Conv2D(
            filters, size, strides, padding=padding, dilation_rate=dilation,
            use_bias=self.use_bias if use_bias is None else use_bias,
            kernel_initializer=self.initializer, name=name,
        )(x)  # fmt: skip

    def pad(self, x: KerasTensor, width: int, name: str) -> KerasTensor:
        """Return the images with `width` zeros on each side."""
        return layers.ZeroPadding2D(width, name=f"{name}_padding")(x) if width else x

    def norm(self, x: KerasTensor, name: str) -> KerasTensor:
        """Return a batch normalisation."""
        return layers.BatchNormalization(
            momentum=self.momentum, epsilon=self.epsilon, synchronized=self.synchronized, name=name
        )(x)

    def norm_relu(self, x: KerasTensor, name: str) -> KerasTensor:
        """Return batch normalisation and ReLU: layers `<name>_bn` and `<name>_relu`."""
        return layers.ReLU(name=f"{name}_relu")(self.norm(x, f"{name}_bn"))

    def conv_norm(
        self, x: KerasTensor, filters: int, size: int, *, name: str, strides: int = 1,
        dilation: int = 1,
    ) -> KerasTensor:  # fmt: skip
        """Return convolution and batch normalisation: layers `<name>_conv` and `<name>_bn`."""
        conv = f"{name}_conv"
        x = self.conv(x, filters, size, name=conv, strides=strides, dilation=dilation)
        return self.norm(x, f"{name}_bn")

    def conv_norm_relu(self, x: KerasTensor, filters: int, size: int, **how: Any) -> KerasTensor:
        """Return convolution, batch normalisation and ReLU: `<name>_conv`, `_bn` and `_relu`."""
        x = self.conv_norm(x, filters, size, **how)
        return layers.ReLU(name=f"{how['name']}_relu")(x)

    def depthwise_norm_relu(
        self, x: KerasTensor, size: int, *, name: str, strides: int
    ) -> KerasTensor:
        """Return the same around a depthwise convolution without bias."""
        padding = "same"
        if self.symmetric and strides > 1:
            x, padding = self.pad(x, size // 2, name), "valid"
        x = layers.DepthwiseConv2D(
            size, strides, padding, use_bias=False,
            depthwise_initializer=self.initializer, name=f"{name}_conv",
        )(x)  # fmt: skip
        return self.norm_relu(x, name)

    def max_pool(self, x: KerasTensor, name: str) -> KerasTensor:
        """Return a 3x3 max pooling with stride 2 that pads both sides by 1.

        It pads zeros, so it stands behind a ReLU, where zero is the least value.
        """
        return layers.MaxPooling2D(3, 2, name=name)(self.pad(x, 1, name))

    def dense(self, x: KerasTensor, units: int, name: str = "classifier") -> KerasTensor:
        """Return a dense layer."""
        return layers.Dense(units, kernel_initializer=self.dense_initializer, name=name)(x)


def whole_map_average(x: KerasTensor, name: str) -> KerasTensor:
    """Return the mean over positions as an average pooling of the map's size, flattened.

    It computes what global pooling does; FLOP counters tell the two apart, and so do the papers.
    """
    x = keras.layers.AveragePooling2D(tuple(x.shape[1:3]), name=name)(x)
    return keras.layers.Flatten(name=f"{name}_flatten")(x)
