"""Calls of TensorFlow's functions: opened, they compute the same, and their channels may go."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tfprune
from tests.masks import random_masks
from tfprune.graph.opening.refusals import NotOpenedError

OLD = tf.compat.v1.image
FUNCTIONS = {
    "corners, larger": lambda x: OLD.resize(x, (9, 11), method="bilinear", align_corners=True),
    "corners, smaller": lambda x: OLD.resize(x, size=[3, 1], align_corners=True),
    "no corners": lambda x: OLD.resize_bilinear(x, (7, 4)),
    "half pixels": lambda x: OLD.resize_bilinear(x, (7, 4), half_pixel_centers=True),
    "resize": lambda x: tf.image.resize(x, [9, 4]),
    "nearest": lambda x: tf.image.resize(x, (3, 10), method="nearest"),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]),
    "pad ones": lambda x: tf.pad(x, tf.constant([[0, 0], [0, 0], [1, 0], [0, 0]]), "CONSTANT", 1),
    "reflect": lambda x: tf.pad(x, [[0, 0], [1, 1], [2, 1], [0, 0]], mode="REFLECT"),
    "roll": lambda x: tf.roll(x, shift=[1, -2], axis=[1, 2]),
    "reverse": lambda x: tf.reverse(x, axis=[1, 2]),
    "repeat": lambda x: tf.repeat(x, 2, axis=1),
    "unstack": lambda x: tf.stack(tf.unstack(x, axis=1)[:2], axis=1),
    "blocks": lambda x: tf.nn.space_to_depth(tf.nn.depth_to_space(x, 2), 2),
    "unit length": lambda x: tf.nn.l2_normalize(x, axis=-1) + tf.math.l2_normalize(x, [1, 2]),
    "sum of several": lambda x: tf.add_n([x, tf.stop_gradient(x), tf.math.reciprocal(x + 9.0)]),
    "turned": lambda x: tf.linalg.matrix_transpose(tf.linalg.matrix_transpose(x)),
    "pools": lambda x: (
        tf.nn.max_pool2d(x, 3, [1, 2, 2, 1], "SAME") + tf.nn.avg_pool(x, 2, 2, "VALID")
    ),
    "patches": lambda x: tf.image.extract_patches(
        x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"
    ),
    "spread": lambda x: (
        x / tf.math.reduce_std(x, [1, 2], keepdims=True)
        + tf.math.reduce_variance(x, axis=1, keepdims=True)
    ),
    "distance": lambda x: tf.math.squared_difference(x, tf.cumsum(x, axis=1)),
    "logs": lambda x: x + tf.reduce_logsumexp(x, axis=1, keepdims=True),
    "log of shares": lambda x: tf.nn.log_softmax(x, axis=1),
}
if not hasattr(ops, "space_to_depth"):  # as in Keras 3.12
    del FUNCTIONS["blocks"]


class Net(keras.Model):
    def __init__(self, function):
        super().__init__()
        self.first, self.second = layers.Conv2D(8, 3, padding="same"), layers.Conv2D(3, 1)
        self.function = function

    def call(self, x):
        return self.second(self.function(self.first(x)))


def built(function, size=8):
    keras.utils.set_random_seed(0)
    net = Net(function)
    net(np.zeros((1, size, size, 3), "float32"))
    return net


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_tensorflow_becomes_stock_operations(name, tmp_path):
    net = built(FUNCTIONS[name])
    graph = tfprune.analyse(net)
    assert graph.free("first").all()
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(graph.model(x), net(x), rtol=0, atol=1e-6)
    keep = random_masks(graph, 0.5, 1)
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")
    np.testing.assert_array_equal(again(x), small(x))


def test_corners_of_an_open_size_are_refused():
    net = built(FUNCTIONS["corners, larger"])
    with pytest.raises(NotOpenedError, match="resizes an open size by its corners"):
        tfprune.open_up(net, keras.Input((None, None, 3)))


@pytest.mark.parametrize(
    "function",
    [lambda x: OLD.resize(x, (4, 4), method=2), lambda x: tf.image.resize(x, (4, 4), "area")],
    ids=["old", "area"],
)
def test_a_resizing_that_keras_has_not_is_refused(function):
    with pytest.raises(NotOpenedError, match="resize"):
        tfprune.open_up(built(function))
