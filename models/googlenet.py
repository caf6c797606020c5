"""GoogLeNet for CIFAR as in FP-FMC and HRank: Inception blocks (Szegedy et al. 2015) with BN."""

from dataclasses import dataclass
from types import MappingProxyType

from keras import KerasTensor, layers

from models._blocks import PYTORCH_UNIFORM, Blocks, Configuration, whole_map_average

# Name: 1x1, 3x3 reduction, 3x3, 5x5 reduction, 5x5, pool projection.
INCEPTIONS = MappingProxyType(
    {
        "a3": (64, 96, 128, 16, 32, 32),
        "b3": (128, 128, 192, 32, 96, 64),
        "a4": (192, 96, 208, 16, 48, 64),
        "b4": (160, 112, 224, 24, 64, 64),
        "c4": (128, 128, 256, 24, 64, 64),
        "d4": (112, 144, 288, 32, 64, 64),
        "e4": (256, 160, 320, 32, 128, 128),
        "a5": (256, 160, 320, 32, 128, 128),
        "b5": (384, 192, 384, 48, 128, 128),
    }
)


@dataclass(frozen=True, kw_only=True)
class GoogLeNet(Configuration):
    """The network has no variants; it is named by its blocks a3 to b5."""


def build(
    configuration: GoogLeNet, images: KerasTensor, num_classes: int, blocks: Blocks
) -> KerasTensor:
    """Return the class scores of the images."""
    x = blocks.conv_norm_relu(images, 192, 3, name="stem")
    for name, widths in INCEPTIONS.items():
        if name in ("a4", "a5"):
            x = blocks.max_pool(x, f"before_{name}_pool")
        x = _inception(blocks, x, widths, name)
    return blocks.dense(whole_map_average(x, "pool"), num_classes)


def _inception(blocks: Blocks, x: KerasTensor, widths: tuple[int, ...], name: str) -> KerasTensor:
    n1x1, reduce3x3, n3x3, reduce5x5, n5x5, projection = widths
    pooled = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    three = blocks.conv_norm_relu(x, reduce3x3, 1, name=f"{name}_3x3_reduce")
    five = blocks.conv_norm_relu(x, reduce5x5, 1, name=f"{name}_5x5_reduce")
    five = blocks.conv_norm_relu(five, n5x5, 3, name=f"{name}_5x5_1")  # two 3x3 see 5x5
    branches = [
        blocks.conv_norm_relu(x, n1x1, 1, name=f"{name}_1x1"),
        blocks.conv_norm_relu(three, n3x3, 3, name=f"{name}_3x3"),
        blocks.conv_norm_relu(five, n5x5, 3, name=f"{name}_5x5_2"),
        blocks.conv_norm_relu(pooled, projection, 1, name=f"{name}_projection"),
    ]
    return layers.Concatenate(name=f"{name}_concat")(branches)


CONFIGURATIONS = MappingProxyType(
    {
        "googlenet": GoogLeNet(
            blocks={
                "use_bias": True,
                "initializer": PYTORCH_UNIFORM,
                "dense_initializer": PYTORCH_UNIFORM,
            }
        )
    }
)
