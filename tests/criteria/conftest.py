"""Networks that several tests of criteria judge."""

import keras
import numpy as np
import pytest

import tfprune


@pytest.fixture(scope="module")
def segmenter():
    """The channel graph of a network with a class per pixel."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", name="first")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Conv2D(6, 3, padding="same", name="second")(keras.layers.ReLU()(x))
    outputs = keras.layers.Conv2D(3, 1, name="classes")(keras.layers.ReLU()(x))
    model = keras.Model(image, outputs)
    model.get_layer("norm").gamma.assign(np.linspace(0.5, 1.5, 8))
    return tfprune.analyse(model)
