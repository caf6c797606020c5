"""BatchNormalization in one kernel: against the layer itself, forwards and backwards."""

import functools
import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.passes.fused_norms import on_batch_statistics, on_moving_statistics

RNG = np.random.default_rng(5)


def norm(shape=(3, 4, 5, 6), **options):
    layer = keras.layers.BatchNormalization(**options)
    layer.build(shape)
    for weight in layer.weights:
        weight.assign(RNG.uniform(0.5, 2.0, weight.shape))
    return layer


def with_slope(call, x):
    """Return y and the gradient of sum(y ** 2)."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = call(x)
        total = tf.reduce_sum(y**2)
    return y, tape.gradient(total, x)


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"axis": 3}])
def test_inference_and_its_slope_are_those_of_the_layer(options):
    layer, x = norm(epsilon=0.1, **options), tf.constant(RNG.normal(size=(3, 4, 5, 6)), tf.float32)
    found = with_slope(tf.function(lambda x: on_moving_statistics(layer, x)), x)
    expected = with_slope(lambda x: layer(x, training=False), x)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_training_is_that_of_the_layer_and_moves_nothing():
    layer, x = norm(epsilon=0.1), tf.constant(RNG.normal(size=(3, 4, 5, 6)), tf.float32)
    before = layer.get_weights()
    found = with_slope(lambda x: on_batch_statistics(layer, x), x)
    for one, other in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    expected = with_slope(lambda x: layer(x, training=True), x)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fused", [on_moving_statistics, on_batch_statistics])
def test_what_the_kernel_cannot_do_is_left_to_the_layer(fused):
    assert fused(norm((3, 6)), tf.ones((3, 6))) is None
    assert fused(norm((3, 6, 4, 5), axis=1), tf.ones((3, 6, 4, 5))) is None
    assert fused(norm(dtype="float64"), tf.ones((3, 4, 5, 6), tf.float64)) is None


@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"trainable": False}])
def test_training_of_a_bare_or_frozen_layer_is_left_to_it(options):
    assert on_batch_statistics(norm(**options), tf.ones((3, 4, 5, 6))) is None


def test_what_called_it_is_forgotten():
    layer, x = norm(), tf.ones((3, 4, 5, 6))

    @tf.function(autograph=False)
    def fused(x):
        return with_slope(functools.partial(on_moving_statistics, layer), x)

    graph = weakref.ref(fused.get_concrete_function(x).graph)
    del fused
    gc.collect()
    assert graph() is None
