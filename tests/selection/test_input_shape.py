"""Targets of MACs for models whose inputs have no size of their own."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune


def anysize():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(16, 3, name="a")(image)
    x = layers.Conv2D(16, 3, strides=2, name="b")(x)
    return keras.Model(image, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def test_macs_are_counted_for_the_size_that_is_given():
    graph = tfprune.analyse(anysize())
    scores = tfprune.score(graph, "l1", None)
    with pytest.raises(
        tfprune.PruningError, match="'a' works on maps of unknown size.*input_shape="
    ):
        tfprune.select(graph, scores, macs=0.5)
    keep = tfprune.select(graph, scores, macs=0.5, input_shape=(20, 24, 3))
    small = tfprune.rebuild(graph, keep)
    before, after = (tfprune.cost(m, input_shape=(20, 24, 3)).macs for m in (graph.model, small))
    assert 0.45 < after / before < 0.55


def test_prune_takes_it_too():
    small, _ = tfprune.prune(anysize(), None, method="l1", macs=0.5, input_shape=(20, 24, 3))
    assert small.input_shape == (None, None, None, 3)
    with pytest.raises(tfprune.PruningError, match="input_shape has no effect with ratio"):
        tfprune.prune(anysize(), None, method="l1", ratio=0.5, input_shape=(20, 24, 3))


def test_several_inputs_take_a_list():
    left, right = keras.Input((None, 3)), keras.Input((None, 2))
    x = [layers.Conv1D(8, 3, name=name)(x) for name, x in (("l", left), ("r", right))]
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(y) for y in x])
    model = keras.Model([left, right], layers.Dense(2)(x))
    shapes = [(10, 3), (20, 2)]
    assert tfprune.cost(model, input_shape=shapes).macs == 8 * 3 * (8 * 3 + 18 * 2) + 32
    small, _ = tfprune.prune(model, None, method="l1", macs=0.5, input_shape=shapes)
    left_of_it = tfprune.cost(small, input_shape=shapes).macs
    assert left_of_it <= 0.55 * tfprune.cost(model, input_shape=shapes).macs
    with pytest.raises(tfprune.PruningError, match="has 2 inputs, received 1 shapes"):
        tfprune.prune(model, None, method="l1", macs=0.5, input_shape=(10, 3))


def test_a_measured_selection_takes_it_too():
    data = np.random.default_rng(0).normal(size=(16, 12, 12, 3)).astype("float32")
    options = {"scope": "sensitivity", "macs": 0.6, "input_shape": (12, 12, 3)}
    small, _ = tfprune.prune(anysize(), data, method="l1", **options)
    shares = [tfprune.cost(m, input_shape=(12, 12, 3)).macs for m in (small, anysize())]
    assert shares[0] <= 0.65 * shares[1]
