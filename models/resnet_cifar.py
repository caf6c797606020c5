"""ResNet for CIFAR (He et al. 2016, section 4.2), with the three shortcuts that papers give it."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import keras
from keras import KerasTensor, layers

from models._blocks import Blocks, Configuration

Shortcut = Callable[[Blocks, KerasTensor, int, int, str], KerasTensor]


@dataclass(frozen=True, kw_only=True)
class ResNetCifar(Configuration):
    """A network of 6n+2 layers.

    Args:
        depth: 6n+2.
        shortcut: what stands beside the blocks that change the width:
            `shortcut(blocks, x, filters, strides, name)`.
        functional_relu: whether the ReLU behind the sum is a plain operation, not a layer; FLOP
            counters that hook modules pass over it.
    """

    depth: int
    shortcut: Shortcut
    functional_relu: bool = False


def projection(
    blocks: Blocks, x: KerasTensor, filters: int, strides: int, name: str
) -> KerasTensor:
    """Return a strided 1x1 convolution without normalisation (Li et al.)."""
    return blocks.conv(x, filters, 1, name=f"{name}_shortcut", strides=strides)


def subsample_and_pad(
    blocks: Blocks, x: KerasTensor, filters: int, strides: int, name: str
) -> KerasTensor:
    """Return every second position, with zero channels on both sides ("option A")."""
    missing = filters - x.shape[-1]
    x = x[:, ::strides, ::strides, :] if strides > 1 else x
    return _pad_channels(x, missing // 2, missing - missing // 2)


def max_pool_and_pad(
    blocks: Blocks, x: KerasTensor, filters: int, strides: int, name: str
) -> KerasTensor:
    """Return a max pooling with zero channels at the end (GFI-AP)."""
    # "same" differs at odd sizes only, where it rounds up as the strided convolution does.
    x = keras.ops.max_pool(x, strides, strides, padding="same")
    return _pad_channels(x, 0, filters - x.shape[-1])


def build(
    configuration: ResNetCifar, images: KerasTensor, num_classes: int, blocks: Blocks
) -> KerasTensor:
    """Return the class scores of the images."""
    x = blocks.conv_norm_relu(images, 16, 3, name="stem")
    for stage, filters in enumerate((16, 32, 64), 1):
        for block in range(1, (configuration.depth - 2) // 6 + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _block(configuration, blocks, x, filters, strides, f"stage{stage}_block{block}")
    return blocks.dense(layers.GlobalAveragePooling2D(name="pool")(x), num_classes)


def _block(
    configuration: ResNetCifar, blocks: Blocks, x: KerasTensor, filters: int, strides: int,
    name: str,
) -> KerasTensor:  # fmt: skip
    y = blocks.conv_norm(x, filters, 3, name=f"{name}_1", strides=strides)
    y = layers.ReLU(name=f"{name}_relu1")(y)
    y = blocks.conv_norm(y, filters, 3, name=f"{name}_2")
    # FP-FMC prunes the first stage's stream but not the stem, whose shortcut then crops channels.
    # A pad of no width is the place where the two part; it computes nothing.
    parts = configuration.shortcut is subsample_and_pad and name == "stage1_block1"
    if x.shape[-1] != filters or parts:
        x = configuration.shortcut(blocks, x, filters, strides, name)
    y = layers.Add(name=f"{name}_add")([y, x])
    if configuration.functional_relu:
        return keras.ops.relu(y)
    return layers.ReLU(name=f"{name}_relu2")(y)


def _pad_channels(x: KerasTensor, before: int, after: int) -> KerasTensor:
    return keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (before, after)))


def _configurations(depth: int) -> dict[str, ResNetCifar]:
    biased = {"use_bias": True, "dense_initializer": "he_normal"}
    return {
        f"resnet{depth}": ResNetCifar(
            depth=depth, shortcut=projection, blocks={**biased, "symmetric": False}
        ),
        f"resnet{depth}_a": ResNetCifar(depth=depth, shortcut=subsample_and_pad),
        f"resnet{depth}_gfi": ResNetCifar(
            depth=depth,
            shortcut=max_pool_and_pad,
            functional_relu=True,
            blocks=biased,
        ),
    }


CONFIGURATIONS = MappingProxyType(
    {name: c for depth in (20, 32, 44, 56, 110) for name, c in _configurations(depth).items()}
)
