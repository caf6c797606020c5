"""Small models and data for the tests of training."""

import keras
import numpy as np
import pytest
from keras import layers

QUIET_FIT = pytest.mark.filterwarnings("ignore:.*shuffle=True:UserWarning")  # of a data set's


def blobs(count=48, classes=3, features=5, seed=0):
    """Points around one centre per class: (float32 [count, features], int64 [count])."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    centres = np.random.default_rng(99).normal(size=(classes, features))
    return (centres[labels] + rng.normal(size=(count, features))).astype("float32"), labels


def linear(features=5, classes=3, activation=None, seed=1):
    inputs = keras.Input((features,))
    initializer = keras.initializers.RandomNormal(0.5, seed=seed)
    dense = layers.Dense(classes, activation, kernel_initializer=initializer, name="dense")
    return keras.Model(inputs, dense(inputs))


def network(normalise=True, dropout=0.0, activation="softmax", seed=1):
    """Dense, BatchNormalization, ReLU, Dropout, Dense on 5 features and 3 classes."""
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((5,))
    x = layers.Dense(8, name="hidden")(x)
    if normalise:
        x = layers.BatchNormalization(momentum=0.9, name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(3, activation, name="head")(x))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gradients(kernel, bias, x, labels):
    """The gradients of the mean cross-entropy of x @ kernel + bias, in numpy."""
    d = softmax(x @ kernel + bias)
    d[np.arange(len(labels)), labels] -= 1
    return x.T @ d / len(labels), d.mean(0)


def largest_difference(a, b):
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return max(float(np.abs(left - right).max()) for left, right in pairs)
