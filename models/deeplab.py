"""DeepLabV3 (Chen et al. 2017) on ResNets in torchvision's layout, with output stride 8."""

from dataclasses import dataclass
from types import MappingProxyType

import keras
from keras import KerasTensor, layers

from models import resnet
from models._blocks import Blocks, Configuration

_RATES = (12, 24, 36)


@dataclass(frozen=True, kw_only=True)
class DeepLabV3(Configuration):
    """A segmentation network.

    Args:
        backbone: name of the ResNet below it.
    """

    num_classes: int = 21
    input_shape: tuple[int, int, int] = (520, 520, 3)
    backbone: str


def build(
    configuration: DeepLabV3,
    images: KerasTensor,
    num_classes: int,
    blocks: Blocks,
    aux_head: bool = False,
) -> KerasTensor | dict[str, KerasTensor]:
    """Return the class scores of every pixel, [N, H, W, classes].

    With `aux_head` a dict: "out", and "aux" for the training loss behind the third stage.
    """
    backbone = resnet.CONFIGURATIONS[configuration.backbone]
    *_, third, last = resnet.stages(backbone, images, blocks, dilated=(3, 4))
    x = _aspp(blocks, last)
    x = blocks.conv_norm_relu(x, 256, 3, name="head")
    out = _classify(blocks, x, images, num_classes, "classifier")
    if not aux_head:
        return out
    x = blocks.conv_norm_relu(third, third.shape[-1] // 4, 3, name="aux")
    x = layers.Dropout(0.1, name="aux_dropout")(x)
    return {"out": out, "aux": _classify(blocks, x, images, num_classes, "aux_classifier")}


def _aspp(blocks: Blocks, x: KerasTensor) -> KerasTensor:
    """Atrous spatial pyramid pooling: the same map seen at four scales and as a whole."""
    branches = [blocks.conv_norm_relu(x, 256, 1, name="aspp_1x1")]
    for rate in _RATES:
        name = f"aspp_rate{rate}"
        branches.append(blocks.conv_norm_relu(x, 256, 3, name=name, dilation=rate))
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="aspp_pool")(x)
    pooled = blocks.conv_norm_relu(pooled, 256, 1, name="aspp_pool")
    branches.append(_resize(pooled, x))
    x = layers.Concatenate(name="aspp_concat")(branches)
    x = blocks.conv_norm_relu(x, 256, 1, name="aspp_project")
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


CONFIGURATIONS = MappingProxyType(
    {
        f"deeplabv3_{backbone}": DeepLabV3(backbone=backbone, blocks=resnet.TORCHVISION)
        for backbone in ("resnet50", "resnet101")
    }
)
