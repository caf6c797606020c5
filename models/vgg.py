"""VGG (Simonyan and Zisserman 2015): the CIFAR heads of four papers, and the ImageNet head."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import keras
from keras import KerasTensor, layers

from models._blocks import KAIMING_FAN_OUT, PYTORCH_UNIFORM, Blocks, Configuration

WIDTHS = (64, 128, 256, 512, 512)  # channels of each group of convolutions
CONVOLUTIONS = MappingProxyType(  # depth: convolutions of each group
    {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
)


@dataclass(frozen=True, kw_only=True)
class Vgg(Configuration):
    """A network of five groups of convolutions.

    Args:
        depth: 11, 13, 16 or 19.
        head: what follows the convolutions: `head(blocks, x, batch_norm)`.
        batch_norm: whether batch normalisation follows the convolutions.
        norm_last: whether it follows the ReLU, not the convolution.
        pools: number of groups that end in max pooling.
        dropout: shares dropped behind the convolutions: of the first one, and of each that is
            neither the first nor the last of its group; the last of all takes what `head` says.
    """

    depth: int
    head: Callable[[Blocks, KerasTensor, bool], KerasTensor]
    batch_norm: bool = True
    norm_last: bool = False
    pools: int = 5
    dropout: tuple[float, float] | None = None


def build(
    configuration: Vgg,
    images: KerasTensor,
    num_classes: int,
    blocks: Blocks,
    batch_norm: bool | None = None,
) -> KerasTensor:
    """Return the class scores of the images; `batch_norm` overrides the configuration's."""
    batch_norm = configuration.batch_norm if batch_norm is None else batch_norm
    x = images
    for group, count in enumerate(CONVOLUTIONS[configuration.depth], 1):
        for index in range(1, count + 1):
            x = _convolution(configuration, blocks, x, group, index, batch_norm)
            x = _dropout(configuration, x, group, index, index == count)
        if group <= configuration.pools:
            x = layers.MaxPooling2D(2, name=f"stage{group}_pool")(x)
    return blocks.dense(configuration.head(blocks, x, batch_norm), num_classes)


def _convolution(
    configuration: Vgg, blocks: Blocks, x: KerasTensor, group: int, index: int, batch_norm: bool
) -> KerasTensor:
    name = f"stage{group}_conv{index}"
    x = blocks.conv(x, WIDTHS[group - 1], 3, name=name)
    norm, relu = f"{name}_bn", layers.ReLU(name=f"{name}_relu")
    if not batch_norm:
        return relu(x)
    return blocks.norm(relu(x), norm) if configuration.norm_last else relu(blocks.norm(x, norm))


def _dropout(configuration: Vgg, x: KerasTensor, group: int, index: int, last: bool) -> KerasTensor:
    if configuration.dropout is None or last:
        return x
    rate = configuration.dropout[group > 1]
    return layers.Dropout(rate, name=f"stage{group}_conv{index}_dropout")(x)


def _li(blocks: Blocks, x: KerasTensor, batch_norm: bool) -> KerasTensor:
    x = layers.Flatten(name="flatten")(layers.Dropout(0.5, name="flatten_dropout")(x))
    x = layers.ReLU(name="dense_relu")(blocks.dense(x, 512, "dense"))
    if batch_norm:
        x = blocks.norm(x, "dense_bn")
    return layers.Dropout(0.5, name="dense_dropout")(x)


def _fmc(blocks: Blocks, x: KerasTensor, batch_norm: bool) -> KerasTensor:
    x = layers.Flatten(name="flatten")(keras.ops.average_pool(x, 2, 2))
    x = blocks.dense(x, 512, "dense")
    if batch_norm:
        x = blocks.norm(x, "dense_bn")
    return layers.ReLU(name="dense_relu")(x)


def _gfbs(blocks: Blocks, x: KerasTensor, batch_norm: bool) -> KerasTensor:
    return layers.Flatten(name="flatten")(x)


def _gfi(blocks: Blocks, x: KerasTensor, batch_norm: bool) -> KerasTensor:
    return _two_dense(blocks, layers.Flatten(name="flatten")(x), 512)


def _imagenet(blocks: Blocks, x: KerasTensor, batch_norm: bool) -> KerasTensor:
    if tuple(x.shape[1:3]) != (7, 7):  # at 224x224 this pooling would change nothing
        x = layers.AdaptiveAveragePooling2D(7, name="features_pool")(x)
    return _two_dense(blocks, layers.Flatten(name="flatten")(x), 4096)


def _two_dense(blocks: Blocks, x: KerasTensor, units: int) -> KerasTensor:
    for name in ("dense1", "dense2"):
        x = layers.ReLU(name=f"{name}_relu")(blocks.dense(x, units, name))
        x = layers.Dropout(0.5, name=f"{name}_dropout")(x)
    return x


_KERAS = {"use_bias": True, "initializer": "glorot_uniform", "symmetric": False}
_PYTORCH = {
    "use_bias": True,
    "initializer": PYTORCH_UNIFORM,
    "dense_initializer": PYTORCH_UNIFORM,
}
_TORCHVISION = {
    "use_bias": True,
    "initializer": KAIMING_FAN_OUT,
    "dense_initializer": {"class_name": "RandomNormal", "config": {"stddev": 0.01}},
}


def _configurations(depth: int) -> dict[str, Vgg]:
    size = {"depth": depth, "min_size": 32}
    imagenet = {**size, "num_classes": 1000, "input_shape": (224, 224, 3), "blocks": _TORCHVISION}
    return {
        f"vgg{depth}": Vgg(head=_li, norm_last=True, dropout=(0.3, 0.4), blocks=_KERAS, **size),
        f"vgg{depth}_fmc": Vgg(head=_fmc, pools=4, blocks=_PYTORCH, **size),
        f"gatevgg{depth}": Vgg(head=_gfbs, blocks=_PYTORCH, **size),
        f"vgg{depth}_gfi": Vgg(head=_gfi, blocks=_PYTORCH, **size),
        f"vgg{depth}_imagenet": Vgg(head=_imagenet, batch_norm=False, **imagenet),
        f"vgg{depth}_bn_imagenet": Vgg(head=_imagenet, **imagenet),
    }


CONFIGURATIONS = MappingProxyType(
    {name: c for depth in CONVOLUTIONS for name, c in _configurations(depth).items()}
)
