"""A small residual network with random weights and statistics, pruned by half at random."""

import functools

import keras
import numpy as np
from keras import layers

import tfprune
from tests.masks import random_masks
from tests.toy_models import randomize


def residual(dtype=None):
    """image -> stem 6 -> BN -> ReLU -> [a 8 -> ReLU -> b 6 -> BN] + shortcut 6 -> ReLU -> head."""
    keras.utils.set_random_seed(0)
    options = {"padding": "same", "dtype": dtype}
    image = keras.Input((6, 6, 3), name="image")
    x = layers.Conv2D(6, 3, name="stem", **options)(image)
    x = layers.ReLU(dtype=dtype)(layers.BatchNormalization(name="stem_bn", dtype=dtype)(x))
    y = layers.Conv2D(8, 3, activation="relu", name="a", **options)(x)
    y = layers.Conv2D(6, 3, use_bias=False, name="b", **options)(y)
    y = layers.BatchNormalization(name="b_bn", dtype=dtype)(y)
    z = layers.Conv2D(6, 1, name="shortcut", **options)(x)
    x = layers.ReLU(dtype=dtype)(layers.Add(name="add", dtype=dtype)([y, z]))
    x = layers.GlobalAveragePooling2D(dtype=dtype)(x)
    model = keras.Model(image, layers.Dense(3, name="head", dtype=dtype)(x), name="residual")
    randomize(model)
    return model


@functools.cache
def images(count=80):
    """Return random images whose moments the first normalisation knows."""
    return np.random.default_rng(1).normal(size=(count, 6, 6, 3)).astype("float32")


def pruned(model, seed=0):
    """Return a model's graph, keep masks of about half of each layer, and the pruned model."""
    graph = tfprune.analyse(model)
    keep = random_masks(graph, 0.5, seed)
    assert not all(mask.all() for mask in keep.values())
    return graph, keep, tfprune.rebuild(graph, keep)


def error(wanted, model, data):
    """Return the squared difference of outputs from wanted ones, summed over all samples."""
    received = keras.tree.flatten(model(data, training=False))
    return sum(
        float(((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2).sum())
        for a, b in zip(wanted, received, strict=True)
    )


def weights(model):
    """Return a model's values as bytes."""
    return [np.asarray(v).tobytes() for v in model.variables]
