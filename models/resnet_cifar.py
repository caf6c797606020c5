"""ResNets for small images (He et al. 2016, 4.2): three stages of basic blocks."""

from functools import partial

import keras
from keras import layers

from models._blocks import batch_norm, classify

WIDTHS = (16, 32, 64)


def resnet(
    *,
    name: str,
    depth: int,
    num_classes: int,
    input_shape: tuple[int, ...],
    classifier_activation: str | None = None,
) -> keras.Model:
    """Build the ResNet of Li et al.: biased convolutions, projections without BatchNormalization.

    The first block of stages 2 and 3 has a 1x1 convolution with stride 2 as its shortcut, the
    others have the identity. Global average pooling equals the paper's 8x8 pooling at 32x32.

    Args:
        name: the model's name.
        depth: 6n + 2 layers, n blocks a stage.
        num_classes: number of classes.
        input_shape: (height, width, channels).
        classifier_activation: None for logits, or "softmax".
    """
    if (depth - 2) % 6 or depth < 8:
        raise ValueError(f"depth must be 6n + 2 with n >= 1 (8, 14, 20, ...), received {depth}.")
    image = keras.Input(input_shape, name="image")
    x = layers.ReLU(name="stem_relu")(_conv_norm(image, WIDTHS[0], 3, 1, "stem"))
    for stage, width in enumerate(WIDTHS, 1):
        for block in range(1, (depth - 2) // 6 + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            x = _block(x, width, stride, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(
        image, classify(x, num_classes, classifier_activation, "he_normal"), name=name
    )


def _conv(x: keras.KerasTensor, width: int, size: int, stride: int, name: str) -> keras.KerasTensor:
    return layers.Conv2D(
        width, size, stride, padding="same", kernel_initializer="he_normal", name=name
    )(x)


def _conv_norm(
    x: keras.KerasTensor, width: int, size: int, stride: int, name: str
) -> keras.KerasTensor:
    return batch_norm(_conv(x, width, size, stride, f"{name}_conv"), f"{name}_bn")


def _block(x: keras.KerasTensor, width: int, stride: int, name: str) -> keras.KerasTensor:
    y = layers.ReLU(name=f"{name}_relu1")(_conv_norm(x, width, 3, stride, f"{name}_1"))
    y = _conv_norm(y, width, 3, 1, f"{name}_2")
    shortcut = _conv(x, width, 1, stride, f"{name}_shortcut") if stride > 1 else x
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([y, shortcut]))


NETWORKS = {f"resnet{depth}": partial(resnet, depth=depth) for depth in (20, 32, 44, 56, 110)}
