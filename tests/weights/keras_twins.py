"""The networks of make_fixtures.py, by the repository's builders in the same widths."""

import re
from dataclasses import dataclass, replace

import keras
import numpy as np

from models import deeplab, densenet, googlenet, resnet, resnet_cifar, vgg
from models._blocks import Blocks


@dataclass(frozen=True, kw_only=True)
class Narrow(Blocks):
    """Layers of a network with fewer channels.

    Args:
        factor: what the channels of convolutions are divided by, down to 2.
        units_factor: what the units of dense layers are divided by.
        where: pattern of the layers that are narrow.
    """

    factor: int
    units_factor: int = 1
    where: str = r"(?!.*(classifier|shortcut)).*"  # a shortcut follows its narrow block

    def conv(self, x, filters, size, *, name, **how):
        return super().conv(x, self._fewer(filters, self.factor, name), size, name=name, **how)

    def dense(self, x, units, name="classifier"):
        return super().dense(x, self._fewer(units, self.units_factor, name), name)

    def _fewer(self, count, factor, name):
        return max(2, count // factor) if re.fullmatch(self.where, name) else count


def images(size):
    """The input of make_fixtures.py, [2, H, W, 3]."""
    return np.random.default_rng(0).standard_normal((2, *size, 3)).astype("float32")


def build(name):
    """Return layout, model and images of a fixture."""
    layout, family, configuration, size, classes, how = _TWINS[name]
    options = {"aux_head": True} if family is deeplab else {}
    entry = keras.Input((*size, 3), name="image")
    blocks = Narrow(**{**configuration.blocks, **how})
    outputs = family.build(configuration, entry, classes, blocks, **options)
    return layout, keras.Model(entry, outputs, name=name), images(size)


def _resnet(counts, bottleneck):
    return resnet.ResNet(
        blocks_per_stage=counts, bottleneck=bottleneck, blocks=resnet.TORCHVISION
    )  # fmt: skip


_32 = {"factor": 32}
_DENSENET = densenet.DenseNet(stem=8, growth=4, layers_per_block=2, functional_pools=True)
_RESNET8 = replace(resnet_cifar.CONFIGURATIONS["resnet56_a"], depth=8)
_TWINS = {
    "resnet_basic": (
        "torchvision_resnet", resnet, _resnet((2, 1, 1, 1), False), (41, 56), 5, _32,
    ),
    "resnet_bottleneck": (
        "torchvision_resnet", resnet, _resnet((1, 2, 1, 1), True), (40, 56), 5, _32,
    ),
    "vgg": (
        "torchvision_vgg", vgg, vgg.CONFIGURATIONS["vgg11_imagenet"], (64, 96), 5,
        {**_32, "units_factor": 512},
    ),
    "vgg_bn": (
        "torchvision_vgg", vgg, vgg.CONFIGURATIONS["vgg11_bn_imagenet"], (224, 224), 5,
        {**_32, "units_factor": 512},
    ),
    "deeplabv3": (
        "torchvision_deeplabv3", deeplab, deeplab.CONFIGURATIONS["deeplabv3_resnet50"], (65, 96),
        3, _32,
    ),
    "hrank_vgg": (
        "hrank_vgg", vgg, vgg.CONFIGURATIONS["vgg16_fmc"], (32, 32), 5,
        {**_32, "units_factor": 32},
    ),
    "hrank_resnet": (
        "hrank_resnet", resnet_cifar, _RESNET8, (32, 24), 5,
        {"factor": 32, "where": ".*_1_conv"},
    ),
    "hrank_densenet": ("hrank_densenet", densenet, _DENSENET, (16, 16), 5, {"factor": 1}),
    "hrank_googlenet": (
        "hrank_googlenet", googlenet, googlenet.CONFIGURATIONS["googlenet"], (32, 32), 5, _32,
    ),
}  # fmt: skip
LAYOUTS = {name: layout for name, (layout, *_) in _TWINS.items()}
