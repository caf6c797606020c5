"""Functions of any origin are tried out: which of them act on each number by itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import activations, layers, ops

import tfprune
from tfprune.graph.rules._activations import ELEMENTWISE, acts_alone

ALONE = {
    "relu of TensorFlow": tf.nn.relu,
    "swish of TensorFlow": tf.nn.swish,
    "operation": ops.relu6,
    "lambda": lambda x: x * ops.sigmoid(1.5 * x),
    "with a step far from zero": lambda x: ops.where(x > 20.0, 20.0, x),
}
TOGETHER = {
    "softmax": activations.softmax,
    "mirror": lambda x: ops.flip(x, -1),
    "shift": lambda x: ops.roll(x, 1, -1),
    "faint mean": lambda x: x + 1e-3 * ops.mean(x),
    "mean of the far ones": lambda x: x + ops.mean(ops.maximum(x - 40.0, 0.0)),
    "mean of zeros": lambda x: x + ops.mean(ops.cast(x == 0, "float32")),
    "factor of every channel": lambda x: x * np.arange(4, dtype="float32"),
    "noise": lambda x: x + keras.random.normal(ops.shape(x)),
    "half the channels": lambda x: x[..., :2],
    "error": lambda x: x.missing,
    "layer with weights": layers.PReLU(),
    "place in the row": lambda x: x * ops.arange(1.0, ops.shape(x)[-1] + 1.0),
}


@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("name", ALONE)
def test_functions_of_single_numbers(name, rank):
    assert acts_alone(ALONE[name], rank)


@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("name", TOGETHER)
def test_functions_that_look_beside_themselves(name, rank):
    assert not acts_alone(TOGETHER[name], rank)


def test_the_trial_agrees_with_the_list_of_keras_own():
    known = ELEMENTWISE - {activations.threshold}  # it has no defaults
    assert [f.__name__ for f in known if not acts_alone(f, 4)] == []


def test_a_lambda_that_mixes_channels_is_left_whole():
    image = keras.Input((4, 4, 3))
    x = layers.Lambda(lambda x: x - ops.mean(x, -1, keepdims=True), name="centre")(
        layers.Conv2D(3, 1, name="a")(image)
    )
    graph = tfprune.analyse(keras.Model(image, layers.Conv2D(2, 1)(x)), open_layers=False)
    assert not graph.free("a").any()
    assert "centre: Lambda runs a function that does not act on each channel" in str(graph)


def reduced(reduce, **axes):
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(5, 1, name="a")(image)
    y = reduce(a, axis=-1, **axes)
    return keras.Model(image, layers.Flatten()(y))


@pytest.mark.parametrize("name", ["mean", "sum", "max", "min"])
def test_a_reduction_over_channels_reads_zeros_for_those_that_are_gone(name):
    model = reduced(getattr(ops, name))
    keep = {"a": np.array([True, False, True, True, False])}
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    inputs = np.random.default_rng(0).standard_normal((3, 4, 4, 3)).astype("float32")
    maps = np.array(model.get_layer("a")(inputs)) * keep["a"]
    expected = getattr(np, name)(maps, axis=-1).reshape(3, -1)
    np.testing.assert_allclose(np.array(small(inputs)), expected, rtol=1e-5, atol=1e-6)


def test_whole_groups_of_a_group_normalisation_go():
    image = keras.Input((4, 4, 3))
    x = layers.GroupNormalization(3, name="norm")(layers.Conv2D(6, 1, name="a")(image))
    model = keras.Model(image, layers.Conv2D(2, 1)(x))
    keep = {"a": np.array([True, True, False, False, True, True])}
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, keep)
    assert small.get_layer("norm").groups == 2
    assert tfprune.verify(graph, keep, small).proven
    shrunk = tfprune.analyse(model, allow_inexact=True).units_of("a")
    assert shrunk.tolist() == [shrunk[0], shrunk[1]] * 3
