"""Weights of another Keras model, layer by layer."""

import keras
import numpy as np
import pytest

from tfprune.errors import PruningError
from tfprune.weights import take_over


def network(classes, seed, first="hidden"):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((4,)), keras.layers.Dense(3, name=first),
              keras.layers.BatchNormalization(name="norm"),
              keras.layers.Dense(classes, name="classifier")]  # fmt: skip
    model = keras.Sequential(layers, name="net")
    model.get_layer("norm").moving_mean.assign([1.0 + seed, 2.0, 3.0])
    return model


def test_same_layers_take_over_and_others_keep_their_own():
    model, source = network(2, seed=0), network(5, seed=1)
    before = [w.copy() for w in model.get_weights()]
    new, fresh = take_over(model, source)
    assert fresh == ("classifier",)
    for name in ("hidden", "norm"):
        for a, b in zip(new.get_layer(name).weights, source.get_layer(name).weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    for a, b in zip(new.get_layer("classifier").weights, before[-2:], strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_all_layers_of_the_same_network_take_over():
    new, fresh = take_over(network(2, seed=0), network(2, seed=1))
    assert fresh == ()
    x = np.ones((3, 4), "float32")
    np.testing.assert_array_equal(new(x).numpy(), network(2, seed=1)(x).numpy())


def test_a_model_of_which_nothing_fits_is_refused():
    other = keras.Sequential([keras.Input((9,)), keras.layers.Dense(7, name="far")], name="other")
    message = r"No layer of 'net' has the name and the shapes of one of 'other'.*layers far"
    with pytest.raises(PruningError, match=message):
        take_over(network(2, seed=0), other)
