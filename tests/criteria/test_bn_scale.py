"""Network slimming's scales against numbers written into the layers."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError


def network():
    """conv -> bn -> relu -> last -> bn_last, and a convolution without normalisation."""
    image = keras.Input((4, 4, 2))
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(3, 1, name="conv")(image))
    x = layers.Conv2D(4, 1, name="bare")(layers.ReLU()(x))
    x = layers.Conv2D(2, 1, name="last")(layers.ReLU()(x))
    x = layers.BatchNormalization(name="bn_last", center=False)(x)
    x = layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, x)
    model.get_layer("bn").gamma.assign([0.5, -2, 0.1])
    model.get_layer("bn_last").gamma.assign([-0.3, 0])
    return model


def test_scores_are_the_absolute_scales():
    scores = tfprune.score(tfprune.analyse(network()), "bn_scale", None)
    assert set(scores) == {"conv", "last"}
    np.testing.assert_allclose(scores["conv"], [0.5, 2, 0.1], rtol=1e-7)
    np.testing.assert_allclose(scores["last"], [0.3, 0], rtol=1e-7)


def test_the_ranking_is_over_all_layers():
    graph = tfprune.analyse(network())
    keep = tfprune.select(graph, tfprune.score(graph, "bn_scale", None), ratio=0.4)
    assert keep["conv"].tolist() == [True, True, False]
    assert keep["last"].tolist() == [True, False]
    assert keep["bare"].all()


def test_a_channel_that_several_layers_normalise_counts_with_their_mean():
    """As in a DenseNet: the features of one layer go into several normalisations."""
    image = keras.Input((4, 4, 2))
    x = layers.Conv2D(2, 1, name="stem")(image)
    y = layers.Conv2D(3, 1, name="more")(layers.BatchNormalization(name="bn1")(x))
    y = layers.BatchNormalization(name="bn2")(layers.Concatenate()([x, y]))
    x = layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(y))
    model = keras.Model(image, x)
    model.get_layer("bn1").gamma.assign([1, -2])
    model.get_layer("bn2").gamma.assign([3, 4, 5, -6, 7])
    scores = tfprune.score(tfprune.analyse(model), "bn_scale", None)
    np.testing.assert_array_equal(scores["stem"], [2, 3])
    np.testing.assert_array_equal(scores["more"], [5, 6, 7])


def test_coupled_layers_share_the_mean_of_their_scales():
    image = keras.Input((4, 4, 2))
    branches = []
    for name, gamma in (("a", [1, 3]), ("b", [-2, 1])):
        x = layers.Conv2D(2, 1, name=name)(image)
        norm = layers.BatchNormalization(name=f"bn_{name}")
        branches.append(norm(x))
        norm.gamma.assign(gamma)
    x = layers.GlobalAveragePooling2D()(layers.Add()(branches))
    graph = tfprune.analyse(keras.Model(image, layers.Dense(2, name="head")(x)))
    scores = tfprune.score(graph, "bn_scale", None)
    for name in "ab":
        np.testing.assert_array_equal(scores[name], [1.5, 2])


def test_a_model_without_scales_is_refused():
    image = keras.Input((4, 4, 2))
    x = layers.BatchNormalization(scale=False)(layers.Conv2D(3, 1)(image))
    model = keras.Model(image, layers.Conv2D(1, 1)(x), name="bare")
    message = "'bn_scale' needs BatchNormalization layers with a scale; model 'bare' has none. Use"
    with pytest.raises(PruningError, match=message):
        tfprune.score(tfprune.analyse(model), "bn_scale", None)


def test_unknown_options_are_refused():
    with pytest.raises(PruningError, match="Unknown option of criterion 'bn_scale' 'penalty'"):
        tfprune.score(tfprune.analyse(network()), "bn_scale", None, penalty=1e-4)
