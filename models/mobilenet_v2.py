"""MobileNetV2 (Sandler et al. 2018) for CIFAR as in GFBS: ReLU, and three strides of 1 not 2."""

from dataclasses import dataclass
from types import MappingProxyType

from keras import KerasTensor, layers

from models._blocks import PYTORCH_UNIFORM, Blocks, Configuration

# Expansion, width, blocks, stride of the first block.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@dataclass(frozen=True, kw_only=True)
class MobileNetV2(Configuration):
    """The network has no variants."""


def build(
    configuration: MobileNetV2, images: KerasTensor, num_classes: int, blocks: Blocks
) -> KerasTensor:
    """Return the class scores of the images."""
    x = blocks.conv_norm_relu(images, 32, 3, name="stem")
    for stage, (expansion, width, count, first) in enumerate(_STAGES, 1):
        for block in range(1, count + 1):
            strides = first if block == 1 else 1
            x = _block(blocks, x, expansion, width, strides, f"stage{stage}_block{block}")
    x = blocks.conv_norm_relu(x, 1280, 1, name="last")
    return blocks.dense(layers.GlobalAveragePooling2D(name="pool")(x), num_classes)


def _block(
    blocks: Blocks, x: KerasTensor, expansion: int, width: int, strides: int, name: str
) -> KerasTensor:
    y = blocks.conv_norm_relu(x, expansion * x.shape[-1], 1, name=f"{name}_expand")
    y = blocks.depthwise_norm_relu(y, 3, name=f"{name}_depthwise", strides=strides)
    y = blocks.conv_norm(y, width, 1, name=f"{name}_project")
    if strides > 1:
        return y
    if x.shape[-1] != width:  # unlike the paper, GFBS projects where the width changes
        x = blocks.conv_norm(x, width, 1, name=f"{name}_shortcut")
    return layers.Add(name=f"{name}_add")([y, x])


CONFIGURATIONS = MappingProxyType(
    {
        "mobilenet_v2": MobileNetV2(
            blocks={"initializer": PYTORCH_UNIFORM, "dense_initializer": PYTORCH_UNIFORM}
        )
    }
)
