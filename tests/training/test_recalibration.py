import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.training import recalibrate

from .toys import blobs, linear, network


def statistics(model):
    norm = model.get_layer("norm")
    return [v.value.numpy() for v in (norm.moving_mean, norm.moving_variance)]


def expected(model, batches):
    """The batches' own means and variances before the norm, weighted by their sizes."""
    kernel, bias = model.get_layer("hidden").get_weights()
    hidden = [batch @ kernel + bias for batch in batches]
    sizes = [len(batch) for batch in batches]
    return [np.average([f(h, 0) for h in hidden], 0, sizes) for f in (np.mean, np.var)]


def test_it_averages_over_uneven_batches():
    model, (x, _) = network(), blobs()
    batches = [x[:20], x[20:40], x[40:]]
    for found, right in zip(
        statistics(recalibrate(model, batches)), expected(model, batches), strict=True
    ):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6)


def test_the_second_norm_sees_what_the_first_gives_in_training():
    inputs = keras.Input((5,))
    first = keras.layers.BatchNormalization(name="first")(inputs)
    model = keras.Model(inputs, keras.layers.BatchNormalization(name="norm")(first))
    x, _ = blobs()
    mean, variance = statistics(recalibrate(model, [x * 9 + 4]))
    np.testing.assert_allclose(mean, 0, atol=1e-5)
    np.testing.assert_allclose(variance, 1, rtol=1e-3)


def test_all_else_stays_and_the_model_is_not_changed():
    model, (x, labels) = network(), blobs()
    model.get_layer("norm").trainable = False
    before = model.get_weights()
    new = recalibrate(model, tf.data.Dataset.from_tensor_slices((x, labels)).batch(16), limit=2)
    for left, right in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(left, right)
    assert new.get_layer("norm").get_config() == model.get_layer("norm").get_config()
    changed = [not np.array_equal(a, b) for a, b in zip(new.get_weights(), before, strict=True)]
    assert changed == [False, False, False, False, True, True, False, False]
    right = expected(model, [x[:16], x[16:32]])
    np.testing.assert_allclose(statistics(new)[0], right[0], rtol=1e-4, atol=1e-6)


def test_it_twice_is_it_once():
    model, (x, _) = network(), blobs()
    once = recalibrate(model, [x])
    for a, b in zip(statistics(once), statistics(recalibrate(once, [x])), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_model_without_norms_and_data_without_batches_are_refused():
    with pytest.raises(PruningError, match=r"has no BatchNormalization to recalibrate"):
        recalibrate(linear(), [blobs()[0]])
    with pytest.raises(PruningError, match=r"recalibrate received no batch. Pass at least one"):
        recalibrate(network(), [])


@pytest.mark.parametrize(("name", "value"), [("limit", -1), ("limit", "a"), ("batch_size", 0)])
def test_sizes_that_are_none_are_refused(name, value):
    with pytest.raises(PruningError, match=rf"{name} must be a whole number from 1 on, received"):
        recalibrate(network(), blobs()[0], **{name: value})


def test_a_batch_without_a_sample_changes_nothing():
    images = blobs()[0]
    wanted = recalibrate(network(), [images[:32], images[32:]]).get_weights()
    found = recalibrate(network(), [images[:0], images[:32], images[:0], images[32:]])
    for value, expected in zip(found.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(value, expected)
        assert np.isfinite(value).all()
