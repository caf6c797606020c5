"""DenseNet-40 for CIFAR (Huang et al. 2017): growth 12, no bottleneck, no compression."""

from dataclasses import dataclass
from types import MappingProxyType

import keras
from keras import KerasTensor, layers

from models._blocks import PYTORCH_UNIFORM, Blocks, Configuration, whole_map_average


@dataclass(frozen=True, kw_only=True)
class DenseNet(Configuration):
    """A network of three dense blocks.

    Args:
        stem: channels of the first convolution.
        dropout: share of the activations dropped behind each convolution but the first.
        functional_pools: whether the transitions' pooling is a plain operation and the last one
            an average pooling of the map's size, which FLOP counters price differently.
        growth: channels that a layer adds.
        layers_per_block: layers of a dense block.
    """

    stem: int
    dropout: float = 0.0
    functional_pools: bool = False
    growth: int = 12
    layers_per_block: int = 12


def build(
    configuration: DenseNet, images: KerasTensor, num_classes: int, blocks: Blocks
) -> KerasTensor:
    """Return the class scores of the images."""
    x = blocks.conv(images, configuration.stem, 3, name="stem_conv")
    for block in (1, 2, 3):
        for layer in range(1, configuration.layers_per_block + 1):
            name = f"block{block}_layer{layer}"
            new = _norm_conv(configuration, blocks, x, configuration.growth, 3, name)
            x = layers.Concatenate(name=f"{name}_concat")([x, new])
        if block < 3:
            name = f"transition{block}"
            x = _norm_conv(configuration, blocks, x, x.shape[-1], 1, name)
            x = _halve(configuration, x, f"{name}_pool")
    x = blocks.norm_relu(x, "final")
    if configuration.functional_pools:
        return blocks.dense(whole_map_average(x, "pool"), num_classes)
    return blocks.dense(layers.GlobalAveragePooling2D(name="pool")(x), num_classes)


def _norm_conv(
    configuration: DenseNet, blocks: Blocks, x: KerasTensor, filters: int, size: int, name: str
) -> KerasTensor:
    x = blocks.conv(blocks.norm_relu(x, name), filters, size, name=f"{name}_conv")
    if configuration.dropout:
        x = layers.Dropout(configuration.dropout, name=f"{name}_dropout")(x)
    return x


def _halve(configuration: DenseNet, x: KerasTensor, name: str) -> KerasTensor:
    if configuration.functional_pools:
        return keras.ops.average_pool(x, 2, 2)
    return layers.AveragePooling2D(2, name=name)(x)


CONFIGURATIONS = MappingProxyType(
    {
        "densenet40": DenseNet(
            stem=16,
            dropout=0.2,
            min_size=4,
            blocks={
                "initializer": "he_uniform",
                "dense_initializer": "he_uniform",
                "symmetric": False,
            },
        ),
        "densenet40_24": DenseNet(
            stem=24,
            functional_pools=True,
            min_size=4,
            blocks={"initializer": PYTORCH_UNIFORM, "dense_initializer": PYTORCH_UNIFORM},
        ),
    }
)
