"""DeepLabV3 (Chen et al. 2017) with output stride 8: on torchvision's ResNets, and a small one."""

from dataclasses import dataclass
from types import MappingProxyType

import keras
from keras import KerasTensor, layers

from models import resnet
from models._blocks import Blocks, Configuration


@dataclass(frozen=True, kw_only=True)
class DeepLabV3(Configuration):
    """A segmentation network.

    Args:
        backbone: the ResNet below it, or its name.
        dilated: its stages that dilate where they would halve the map.
        width: channels of each branch of the pyramid, and of the head.
        rates: dilations of the pyramid's 3x3 convolutions; the paper's suit maps of 65x65.
    """

    num_classes: int = 21
    input_shape: tuple[int, int, int] = (520, 520, 3)
    backbone: str | resnet.ResNet
    dilated: tuple[int, ...] = (3, 4)
    width: int = 256
    rates: tuple[int, ...] = (12, 24, 36)


def build(
    configuration: DeepLabV3,
    images: KerasTensor,
    num_classes: int,
    blocks: Blocks,
    aux_head: bool = False,
) -> KerasTensor | dict[str, KerasTensor]:
    """Return the class scores of every pixel, [N, H, W, classes].

    With `aux_head` a dict: "out", and "out_aux" for the training loss behind the third stage; Keras
    sorts outputs by their keys, and the first one is what a model is judged by.
    """
    backbone = configuration.backbone
    if isinstance(backbone, str):
        backbone = resnet.CONFIGURATIONS[backbone]
    *_, third, last = resnet.stages(backbone, images, blocks, configuration.dilated)
    x = _aspp(configuration, blocks, last)
    x = blocks.conv_norm_relu(x, configuration.width, 3, name="head")
    out = _classify(blocks, x, images, num_classes, "classifier")
    if not aux_head:
        return out
    x = blocks.conv_norm_relu(third, third.shape[-1] // 4, 3, name="aux")
    x = layers.Dropout(0.1, name="aux_dropout")(x)
    return {"out": out, "out_aux": _classify(blocks, x, images, num_classes, "aux_classifier")}


def _aspp(configuration: DeepLabV3, blocks: Blocks, x: KerasTensor) -> KerasTensor:
    """Atrous spatial pyramid pooling: the same map seen at four scales and as a whole."""
    width = configuration.width
    branches = [blocks.conv_norm_relu(x, width, 1, name="aspp_1x1")]
    for rate in configuration.rates:
        name = f"aspp_rate{rate}"
        branches.append(blocks.conv_norm_relu(x, width, 3, name=name, dilation=rate))
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="aspp_pool")(x)
    pooled = blocks.conv_norm_relu(pooled, width, 1, name="aspp_pool")
    branches.append(_resize(pooled, x))
    x = layers.Concatenate(name="aspp_concat")(branches)
    x = blocks.conv_norm_relu(x, width, 1, name="aspp_project")
    return layers.Dropout(0.5, name="aspp_dropout")(x)


def _classify(
    blocks: Blocks, x: KerasTensor, images: KerasTensor, num_classes: int, name: str
) -> KerasTensor:
    x = blocks.conv(x, num_classes, 1, name=name, use_bias=True)
    return _resize(x, images)


def _resize(x: KerasTensor, like: KerasTensor) -> KerasTensor:
    # Keras samples at pixel centres, which is PyTorch's align_corners=False. The operation and not
    # the layer Resizing, which puts all layers behind it into training mode.
    return keras.ops.image.resize(x, like.shape[1:3], interpolation="bilinear")


# Full resolution for longer than on large photographs, on which a pole is more than a pixel wide.
_SMALL = resnet.ResNet(
    blocks_per_stage=(1, 1, 2, 2), bottleneck=False, widths=(16, 32, 64, 128), pool=False
)
CONFIGURATIONS = MappingProxyType(
    {
        f"deeplabv3_{backbone}": DeepLabV3(backbone=backbone, blocks=resnet.TORCHVISION)
        for backbone in ("resnet50", "resnet101")
    }
    | {
        "deeplab_tiny": DeepLabV3(
            num_classes=11, input_shape=(240, 320, 3), backbone=_SMALL, dilated=(4,), width=64,
            rates=(3, 6, 9), blocks=resnet.TORCHVISION,
        )
    }
)  # fmt: skip
