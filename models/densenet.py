"""DenseNet for small images (Huang et al. 2017, growth 12, without bottleneck or compression)."""

from functools import partial

import keras
from keras import layers

from models._blocks import batch_norm, classify

GROWTH, BLOCKS, DROPOUT = 12, 3, 0.2


def densenet(
    *,
    name: str,
    depth: int,
    stem: int,
    num_classes: int,
    input_shape: tuple[int, ...],
    classifier_activation: str | None = None,
) -> keras.Model:
    """Build a DenseNet of three blocks: each layer reads all before it and adds 12 channels.

    Args:
        name: the model's name.
        depth: 3n + 4 layers, n to a block.
        stem: channels of the first convolution; 16 in Li et al.
        num_classes: number of classes.
        input_shape: (height, width, channels).
        classifier_activation: None for logits, or "softmax".
    """
    if (depth - 4) % BLOCKS or depth <= BLOCKS + 1:
        raise ValueError(f"depth must be 3n + 4 with n >= 1 (7, 10, 13, ...), received {depth}.")
    image = keras.Input(input_shape, name="image")
    x = _conv(image, stem, 3, "stem_conv")
    for block in range(1, BLOCKS + 1):
        for layer in range(1, (depth - 4) // BLOCKS + 1):
            name_ = f"block{block}_layer{layer}"
            x = layers.Concatenate(name=f"{name_}_concat")([x, _unit(x, GROWTH, 3, name_)])
        if block < BLOCKS:
            x = _unit(x, x.shape[-1], 1, f"transition{block}")
            x = layers.AveragePooling2D(2, name=f"transition{block}_pool")(x)
    x = layers.ReLU(name="final_relu")(batch_norm(x, "final_bn"))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(
        image, classify(x, num_classes, classifier_activation, "he_uniform"), name=name
    )


def _conv(x: keras.KerasTensor, width: int, size: int, name: str) -> keras.KerasTensor:
    return layers.Conv2D(
        width, size, padding="same", use_bias=False, kernel_initializer="he_uniform", name=name
    )(x)


def _unit(x: keras.KerasTensor, width: int, size: int, name: str) -> keras.KerasTensor:
    x = layers.ReLU(name=f"{name}_relu")(batch_norm(x, f"{name}_bn"))
    return layers.Dropout(DROPOUT, name=f"{name}_dropout")(_conv(x, width, size, f"{name}_conv"))


NETWORKS = {"densenet40": partial(densenet, depth=40, stem=16)}
