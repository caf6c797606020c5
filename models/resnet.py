"""ResNet for ImageNet (He et al. 2016, table 1) in torchvision's layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from keras import KerasTensor, layers

from models._blocks import KAIMING_FAN_OUT, PYTORCH_UNIFORM, Blocks, Configuration

TORCHVISION = {"initializer": KAIMING_FAN_OUT, "dense_initializer": PYTORCH_UNIFORM}


@dataclass(frozen=True, kw_only=True)
class ResNet(Configuration):
    """A network of four stages.

    Args:
        blocks_per_stage: number of residual blocks of each stage.
        bottleneck: blocks of three convolutions (1x1, 3x3, 1x1), not of two 3x3.
        stride_first: whether a bottleneck's stride is in its first 1x1 (v1, as in the paper), not
            in its 3x3 (v1.5, as in torchvision).
        widths: channels of the stem, which are those of the first stage, and of the stages' 3x3.
        pool: whether a max pooling follows the stem.
    """

    num_classes: int = 1000
    input_shape: tuple[int, int, int] = (224, 224, 3)
    blocks_per_stage: tuple[int, int, int, int]
    bottleneck: bool
    stride_first: bool = False
    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    pool: bool = True


def build(
    configuration: ResNet, images: KerasTensor, num_classes: int, blocks: Blocks
) -> KerasTensor:
    """Return the class scores of the images."""
    x = stages(configuration, images, blocks)[-1]
    return blocks.dense(layers.GlobalAveragePooling2D(name="pool")(x), num_classes)


def stages(
    configuration: ResNet, images: KerasTensor, blocks: Blocks, dilated: Sequence[int] = ()
) -> list[KerasTensor]:
    """Return the outputs of the four stages.

    Args:
        configuration: the network.
        images: input.
        blocks: its layers.
        dilated: stages (from 1) that dilate their 3x3 convolutions where they would halve the
            map; the first block of each still has the dilation of the stage before it.
    """
    x = blocks.conv_norm_relu(images, configuration.widths[0], 7, name="stem", strides=2)
    if configuration.pool:
        x = blocks.max_pool(x, "stem_pool")
    outputs, dilation = [], 1
    for stage, count in enumerate(configuration.blocks_per_stage, 1):
        strides, first_dilation = (2 if stage > 1 else 1), dilation
        if stage in dilated:
            strides, dilation = 1, dilation * 2
        for block in range(1, count + 1):
            name = f"stage{stage}_block{block}"
            how = (strides, first_dilation) if block == 1 else (1, dilation)
            x = _block(configuration, blocks, x, configuration.widths[stage - 1], how, name)
        outputs.append(x)
    return outputs


def _block(
    configuration: ResNet, blocks: Blocks, x: KerasTensor, width: int, how: tuple[int, int],
    name: str,
) -> KerasTensor:  # fmt: skip
    y = (_bottleneck if configuration.bottleneck else _basic)(
        configuration, blocks, x, width, how, name
    )
    if y.shape[1:] != x.shape[1:]:
        x = blocks.conv_norm(x, y.shape[-1], 1, name=f"{name}_shortcut", strides=how[0])
    y = layers.Add(name=f"{name}_add")([y, x])
    return layers.ReLU(name=f"{name}_relu{3 if configuration.bottleneck else 2}")(y)


def _basic(
    configuration: ResNet, blocks: Blocks, x: KerasTensor, width: int, how: tuple[int, int],
    name: str,
) -> KerasTensor:  # fmt: skip
    strides, dilation = how
    y = blocks.conv_norm(x, width, 3, name=f"{name}_1", strides=strides, dilation=dilation)
    y = layers.ReLU(name=f"{name}_relu1")(y)
    return blocks.conv_norm(y, width, 3, name=f"{name}_2", dilation=dilation)


def _bottleneck(
    configuration: ResNet, blocks: Blocks, x: KerasTensor, width: int, how: tuple[int, int],
    name: str,
) -> KerasTensor:  # fmt: skip
    strides, dilation = how
    first, second = (strides, 1) if configuration.stride_first else (1, strides)
    y = blocks.conv_norm(x, width, 1, name=f"{name}_1", strides=first)
    y = layers.ReLU(name=f"{name}_relu1")(y)
    y = blocks.conv_norm(y, width, 3, name=f"{name}_2", strides=second, dilation=dilation)
    y = layers.ReLU(name=f"{name}_relu2")(y)
    return blocks.conv_norm(y, 4 * width, 1, name=f"{name}_3")


_DEPTHS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}


def _configurations(depth: int) -> dict[str, ResNet]:
    counts, bottleneck = _DEPTHS[depth]
    what = {"blocks_per_stage": counts, "bottleneck": bottleneck, "blocks": TORCHVISION}
    found = {f"resnet{depth}": ResNet(**what)}
    if bottleneck:  # a basic block has its stride in the first convolution anyway
        found[f"resnet{depth}_v1"] = ResNet(stride_first=True, **what)
    return found


CONFIGURATIONS = MappingProxyType(
    {name: c for depth in _DEPTHS for name, c in _configurations(depth).items()}
)
