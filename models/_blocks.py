"""Small pieces that the families share."""

import keras
from keras import layers


def batch_norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Apply BatchNormalization with the papers' constants.

    Momentum 0.9 follows short runs, where Keras' 0.99 would leave stale statistics.
    """
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def classify(
    x: keras.KerasTensor, num_classes: int, activation: str | None, initializer: str
) -> keras.KerasTensor:
    """Apply the classifier, and its activation as a layer of its own."""
    x = layers.Dense(num_classes, kernel_initializer=initializer, name="classifier")(x)
    return layers.Activation(activation, name="probabilities")(x) if activation else x
