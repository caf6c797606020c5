"""Keras builders of the networks of the five papers; every layer has a stable name.

The names are `<family><depth>`, then what a paper does differently. Without an addition a CIFAR
network is the one of Li et al.; an ImageNet network is torchvision's. Counts are for the default
`num_classes` and `input_shape`: parameters without the moving statistics, and multiply-accumulates.

    name                     paper, difference                             parameters       MACs
    vgg16                    Li et al.: ReLU before batch norm, dropout      14991946  313463808
    vgg16_fmc                FP-FMC: 4 max pools, one hidden dense layer     14991946  313463808
    gatevgg16                GFBS: 5 max pools, no hidden dense layer        14728266  313201664
    vgg16_gfi                GFI-AP: two hidden dense layers with dropout    15253578  313725952
    vgg16_imagenet           torchvision                                    138357544      15.47e9
    vgg16_bn_imagenet        torchvision, batch norm                        138365992      15.47e9
    resnet20                 Li et al.: 1x1 convolution as shortcut            273066   40813184
    resnet32                 likewise                                          467946   69124736
    resnet44                 likewise                                          662826   97436288
    resnet56                 likewise                                          857706  125747840
    resnet110                likewise                                         1734666  253149824
    resnet56_a               FP-FMC, GFBS: subsample, pad on both sides        853018  125485696
    resnet110_a              likewise                                         1727962  252887680
    resnet32_gfi             GFI-AP: max-pool, pad at the end                  465290   68862592
    resnet18                 torchvision, ImageNet                           11689512      1.814e9
    resnet34                 likewise                                        21797672      3.664e9
    resnet50                 likewise, stride in the 3x3 (v1.5)              25557032      4.089e9
    resnet101, resnet152     likewise                              44549160, 60192808  7.8, 11.5e9
    resnet50_v1              GFI-AP: stride in the first 1x1                 25557032      3.858e9
    densenet40               Li et al.: stem of 16 channels, dropout          1019722  264812928
    densenet40_24            FP-FMC, GFBS: stem of 24 channels                1059298  282917328
    googlenet                FP-FMC                                           6166250 1521756160
    mobilenet_v2             GFBS                                             2296922   91154944
    deeplabv3_resnet50       FGP, torchvision, 21 classes                    39638869    168.7e9
    deeplabv3_resnet101      likewise                                        58630997    248.8e9
    deeplab_tiny             DeepLabV3 on a small ResNet, 11 classes, 240x320     975387 1333793792

Further depths: VGG 11, 13 and 19 of each kind; `resnet20_a` to `resnet110_a`, `resnet20_gfi` to
`resnet110_gfi`; `resnet101_v1`, `resnet152_v1`.

A new family is one file with `CONFIGURATIONS` (name -> frozen configuration) and
`build(configuration, images, num_classes, blocks, **options)`.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import keras

from models._blocks import Blocks


def names() -> list[str]:
    """Return the names of all networks, sorted.

    Example:
        >>> "resnet20" in names()
        True
    """
    return sorted(_families())


def options(name: str) -> list[str]:
    """Return the names of the options of a network's family, such as "aux_head".

    Raises:
        ValueError: unknown name.

    Example:
        >>> options("deeplab_tiny")
        ['aux_head']
    """
    return list(inspect.signature(_family(name).build).parameters)[4:]


def build(
    name: str,
    *,
    num_classes: int | None = None,
    input_shape: Sequence[int] | None = None,
    classifier_activation: str | None = None,
    bn_momentum: float = 0.9,
    bn_epsilon: float = 1e-5,
    bn_synchronized: bool = False,
    **options: Any,
) -> keras.Model:
    """Build a network with fresh weights; `keras.utils.set_random_seed` makes them repeatable.

    Args:
        name: a name of `models.names()`.
        num_classes: number of classes, at least 1; by default 10 for a CIFAR network, 1000 for an
            ImageNet network, 21 for DeepLabV3.
        input_shape: height, width and channels of the images; by default (32, 32, 3),
            (224, 224, 3) or, for DeepLabV3, (520, 520, 3).
        classifier_activation: activation over the class scores, e.g. "softmax"; without one the
            model returns logits, as every loss here expects by default.
        bn_momentum: share of the moving statistics that a step keeps; 0.9 is PyTorch's 0.1.
            Keras' own 0.99 leaves stale statistics in short runs.
        bn_epsilon: added to the variance in batch normalisation.
        bn_synchronized: whether batch normalisation sees the samples of all replicas of a
            `tf.distribute` strategy: a replica has few where a sample is a large photograph.
        **options: of the family: `batch_norm` (VGG: with or without), `aux_head` (DeepLabV3:
            with the second output).

    Returns:
        A functional model: images [N, H, W, C] -> class scores [N, num_classes]; DeepLabV3
        [N, H, W, num_classes], with `aux_head` a dict of two ("out", "out_aux").

    Raises:
        ValueError: unknown name or option, or images that the network does not fit.

    Example:
        >>> build("resnet20", input_shape=(8, 8, 1)).output.shape
        (None, 10)
    """
    family = _family(name)
    configuration = family.CONFIGURATIONS[name]
    _check_options(name, family, options)
    num_classes = _check_classes(configuration.num_classes if num_classes is None else num_classes)
    shape = _check_shape(name, input_shape or configuration.input_shape, configuration.min_size)
    images = keras.Input(shape, name="image")
    norm = {"momentum": bn_momentum, "epsilon": bn_epsilon, "synchronized": bn_synchronized}
    blocks = Blocks(**configuration.blocks, **norm)
    outputs = family.build(configuration, images, num_classes, blocks, **options)
    if classifier_activation is not None:
        outputs = _activate(outputs, classifier_activation)
    return keras.Model(images, outputs, name=name)


def _families() -> dict[str, ModuleType]:
    found = (module.name for module in pkgutil.iter_modules(__path__))
    modules = (importlib.import_module(f"models.{name}") for name in found if name[0] != "_")
    return {name: x for x in modules for name in getattr(x, "CONFIGURATIONS", ())}


def _family(name: str) -> ModuleType:
    families = _families()
    if name not in families:
        raise ValueError(f"Unknown network {name!r}. Valid names: {', '.join(names())}.")
    return families[name]


def _check_options(name: str, family: ModuleType, options: dict[str, Any]) -> None:
    valid = list(inspect.signature(family.build).parameters)[4:]
    for option in options:
        if option not in valid:
            raise ValueError(
                f"Network {name!r} has no option {option!r}. Options of its family: "
                f"{', '.join(valid) or '(none)'}; of every network: num_classes, input_shape, "
                "classifier_activation, bn_momentum, bn_epsilon, bn_synchronized."
            )


def _check_classes(num_classes: int) -> int:
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, received {num_classes}.")
    return num_classes


def _check_shape(name: str, shape: Sequence[int], minimum: int) -> tuple[int, ...]:
    whole = len(shape) == 3 and all(isinstance(size, int) and size > 0 for size in shape)
    if not whole:
        raise ValueError(
            f"input_shape of {name}: expected three positive integers (height, width, channels), "
            f"received {shape}."
        )
    if min(shape[:2]) < minimum:
        raise ValueError(
            f"{name} halves its images so often that it needs at least {minimum}x{minimum} pixels; "
            f"received input_shape={tuple(shape)}. Use a ResNet or a DenseNet for smaller images."
        )
    return tuple(shape)


def _activate(outputs: Any, activation: str) -> Any:
    if not isinstance(outputs, dict):
        return keras.layers.Activation(activation, name="probabilities")(outputs)
    return {
        key: keras.layers.Activation(activation, name=f"{key}_probabilities")(scores)
        for key, scores in outputs.items()
    }
