"""VGG for small images (Simonyan and Zisserman 2015, as pruned by Li et al.)."""

import keras
from keras import layers

from models._blocks import batch_norm, classify

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
# Dropout behind each convolution's BatchNormalization; pooled ones have none.
DROPOUT = ((0.3, 0), (0.4, 0), (0.4, 0.4, 0), (0.4, 0.4, 0), (0.4, 0.4, 0))


def vgg16(
    *,
    name: str,
    num_classes: int,
    input_shape: tuple[int, ...],
    classifier_activation: str | None = None,
) -> keras.Model:
    """Build the VGG-16 of Li et al.: convolution, ReLU, BatchNormalization, and a dense layer.

    Args:
        name: the model's name.
        num_classes: number of classes.
        input_shape: (height, width, channels); five poolings need at least 32x32.
        classifier_activation: None for logits, or "softmax".
    """
    if min(input_shape[:2]) < 2 ** len(STAGES):
        raise ValueError(
            f"{name} halves an image five times and needs at least 32x32 pixels; received "
            f"input_shape={input_shape}. Use a ResNet or DenseNet for smaller images."
        )
    x = image = keras.Input(input_shape, name="image")
    for stage, (widths, rates) in enumerate(zip(STAGES, DROPOUT, strict=True), 1):
        for index, (width, rate) in enumerate(zip(widths, rates, strict=True), 1):
            x = _unit(x, width, rate, f"stage{stage}_conv{index}")
        x = layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = layers.Dropout(0.5, name="flatten_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.ReLU(name="dense_relu")(layers.Dense(512, name="dense")(x))
    x = layers.Dropout(0.5, name="dense_dropout")(batch_norm(x, "dense_bn"))
    return keras.Model(
        image, classify(x, num_classes, classifier_activation, "glorot_uniform"), name=name
    )


def _unit(x: keras.KerasTensor, width: int, rate: float, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(width, 3, padding="same", name=name)(x)
    x = batch_norm(layers.ReLU(name=f"{name}_relu")(x), f"{name}_bn")
    return layers.Dropout(rate, name=f"{name}_dropout")(x) if rate else x


NETWORKS = {"vgg16": vgg16}
