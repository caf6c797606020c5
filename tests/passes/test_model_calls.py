"""Inputs by name reach the inputs of that name, for every kind of criterion."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.passes.model_calls import input_tensors


def network(kind):
    """Two inputs, whose names sort the other way round than the model takes them."""
    p, q = keras.Input((4, 4, 2), name="p"), keras.Input((4, 4, 2), name="q")
    x = layers.Conv2D(5, 2, name="conv")(layers.Subtract()([p, 3 * q]))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x))
    return tfprune.analyse(keras.Model([q, p] if kind is list else {"p": p, "q": q}, x))


@pytest.mark.parametrize("criterion", ["fgp", "gfbs", "gfi", "hrank", "similarity", "taylor"])
def test_inputs_by_name_score_like_inputs_in_order(criterion):
    rng = np.random.default_rng(1)
    p, q = rng.normal(size=(2, 6, 4, 4, 2)).astype("float32")
    labels = np.array([0, 1] * 3)
    graph = network(list)
    in_order = tfprune.score(graph, criterion, [((q, p), labels)])
    by_name = tfprune.score(graph, criterion, [({"p": p, "q": q}, labels)])
    swapped = tfprune.score(graph, criterion, [((p, q), labels)])
    np.testing.assert_array_equal(by_name["conv"], in_order["conv"])
    assert not np.array_equal(swapped["conv"], in_order["conv"])


@pytest.mark.parametrize("kind", [list, dict])
def test_the_order_is_that_of_keras(kind):
    model = network(kind).model
    rng = np.random.default_rng(1)
    fed = {name: rng.normal(size=(1, 4, 4, 2)).astype("float32") for name in "pq"}
    np.testing.assert_array_equal(model(fed), model(_nested(model, fed)))


def _nested(model, fed):
    flat = input_tensors(model, fed)
    return dict(zip("pq", flat, strict=True)) if isinstance(model.input, dict) else flat


def test_a_missing_name_is_told():
    with pytest.raises(PruningError, match=r"expected inputs named \['q', 'p'\], received"):
        tfprune.score(network(list), "similarity", [({"p": np.zeros((1, 4, 4, 2))}, [0])])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    "criterion", ["fgp", "fmc", "gfbs", "gfi", "hrank", "similarity", "taylor"]
)
def test_nan_is_refused_though_tensorflow_may_swallow_it(criterion, bad):
    """Without a BatchNormalization convolution and ReLU run as one, which makes zeros of NaN."""
    image = keras.Input((4, 4, 2))
    x = layers.BatchNormalization(name="norm")(image) if criterion == "gfbs" else image
    x = layers.ReLU()(layers.Conv2D(5, 2, name="conv")(x))
    x = layers.BatchNormalization()(x) if criterion == "gfbs" else x
    x = layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x))
    images = np.random.default_rng(1).normal(size=(6, 4, 4, 2)).astype("float32")
    images[3, 1, 2, 0] = bad
    graph = tfprune.analyse(keras.Model(image, x))
    with pytest.raises(PruningError, match="A batch's inputs hold NaN or infinity. Clean the data"):
        tfprune.score(graph, criterion, [(images, np.array([0, 1] * 3))])


@pytest.mark.parametrize(
    ("criterion", "message"),
    [
        ("similarity", "maps of layer 'conv' are not finite. Check the model's weights"),
        ("hrank", "maps of layer 'conv' are not finite. Check the model's weights"),
        ("taylor", "gave layer 'conv' a score that is not finite"),
        ("gfbs", "gave layer 'conv' a score that is not finite"),
        ("gfi", "gave layer 'conv' a score that is not finite"),
    ],
)
def test_weights_that_are_not_finite_are_told_from_data_that_is_not(criterion, message):
    graph = network(list)
    kernel, bias = graph.model.get_layer("conv").get_weights()
    graph.model.get_layer("conv").set_weights([kernel * np.nan, bias])
    images = np.random.default_rng(1).normal(size=(6, 4, 4, 2)).astype("float32")
    with pytest.raises(PruningError, match=message):
        tfprune.score(graph, criterion, [((images, images), np.array([0, 1] * 3))])
