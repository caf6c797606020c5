"""A second look at rows that a ReLU hides."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.reconstruction import solving

X = np.random.default_rng(0).normal(size=(600, 12)).astype("float32")


def net(flip=False):
    """A hidden layer of which half will go, and one behind it under batch norm and ReLU."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((12,))
    x = layers.Dense(16, activation="tanh", name="hidden")(inputs)
    x = layers.Dense(6, use_bias=False, name="next")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    model = keras.Model(inputs, layers.Dense(3, name="head")(x))
    model = tfprune.training.recalibrate(model, [X])
    norm = model.get_layer("norm")
    norm.beta.assign(np.linspace(-1.0, 0.3, 6))
    norm.gamma.assign([1, -1, 1, -1, 1, -1] if flip else np.ones(6))
    return model


def activated_error(model, keep):
    graph = tfprune.analyse(model)
    small, _ = tfprune.reconstruct(graph, keep, tfprune.rebuild(graph, keep), X)
    taps = [keras.Model(m.input, m.layers[-2].output) for m in (model, small)]
    a, b = (tap.predict(X, verbose=0) for tap in taps)
    return float(((a - b) ** 2).mean())


@pytest.mark.parametrize("flip", [False, True], ids=["rising", "falling"])
def test_what_the_relu_lets_through_comes_nearer_to_the_original(monkeypatch, flip):
    model = net(flip)
    keep = {"hidden": np.arange(16) % 2 == 0}
    found = activated_error(model, keep)
    monkeypatch.setattr(solving, "_ROUNDS", 0)
    linear = activated_error(model, keep)
    assert found < 0.97 * linear


def test_without_a_relu_behind_it_nothing_is_hidden(monkeypatch):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((12,))
    x = layers.Dense(16, activation="tanh", name="hidden")(inputs)
    model = keras.Model(inputs, layers.Dense(3, activation="tanh", name="head")(x))
    graph, keep = tfprune.analyse(model), {"hidden": np.arange(16) % 2 == 0}
    small = tfprune.rebuild(graph, keep)
    one, _ = tfprune.reconstruct(graph, keep, small, X)
    monkeypatch.setattr(solving, "_ROUNDS", 0)
    other, _ = tfprune.reconstruct(graph, keep, small, X)
    assert all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
