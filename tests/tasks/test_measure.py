"""What counts of a batch: (sum, count) against naive sums over places."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.toys import softmax
from tfprune import tasks
from tfprune.errors import PruningError

LOGITS = np.random.default_rng(0).normal(size=(2, 3, 4, 3)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 3, (2, 3, 4))
LABELS[0, :2] = 255
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def naive(weights):
    """Loop over the pixels that are not void."""
    losses, counts = np.zeros(2), np.zeros(2)
    for n, i, j in np.argwhere(LABELS != 255):
        losses[n] -= weights[n, i, j] * np.log(softmax(LOGITS[n, i, j])[LABELS[n, i, j]])
        counts[n] += 1
    return losses, counts


def measured(weights=None, loss=CROSS_ENTROPY, task="segmentation", labels=LABELS, **options):
    measure = tasks.measure(loss, tasks.find(task), **options)
    given = None if weights is None else tf.constant(weights)
    return measure(tf.constant(labels), tf.constant(LOGITS), given)


@pytest.mark.parametrize("shape", [(2,), (2, 3, 4), (2, 3, 4, 1)])
def test_weights_of_samples_and_of_pixels(shape):
    weights = np.random.default_rng(2).uniform(0.5, 2, shape).astype("float32")
    spread = np.broadcast_to(
        weights.reshape([2, *([1, 1] if len(shape) == 1 else [3, 4])]), (2, 3, 4)
    )
    losses, counts = naive(spread)
    found = measured(weights)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-5)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_allclose(found.weights, spread * (LABELS != 255), rtol=1e-6)


def test_the_void_label_of_the_task_and_that_of_the_loss_are_the_same():
    ignoring = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    losses, counts = naive(np.ones(LABELS.shape))
    for found in (measured(), measured(loss=ignoring, task="classification")):
        np.testing.assert_allclose(found.losses, losses, rtol=1e-5)
        np.testing.assert_array_equal(found.counts, counts)
        np.testing.assert_array_equal(found.weights, LABELS != 255)


def test_the_mean_may_be_over_the_weights():
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    found = measured(np.array([0.5, 2.0], "float32"), loss)
    np.testing.assert_array_equal(found.counts, [0.5 * 4, 2.0 * 12])


def test_class_weights_change_the_losses_and_nothing_else():
    table = [0.5, 1.0, 3.0]
    losses, counts = naive(np.array(table)[np.where(LABELS == 255, 0, LABELS)])
    found = measured(class_weight=table)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-5)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_array_equal(found.weights, LABELS != 255)


def test_values_in_void_places_do_not_spread():
    def loss(labels, outputs):
        values = CROSS_ENTROPY.call(labels, outputs)
        return tf.where(tf.constant(LABELS == 255), np.inf, values)

    np.testing.assert_allclose(measured(loss=loss).losses, naive(np.ones(LABELS.shape))[0], 1e-5)


def test_outputs_that_a_layer_has_masked_do_not_count():
    inputs = keras.Input((3, 1))
    model = keras.Model(inputs, keras.layers.Masking(7.0)(inputs))
    x = np.array([[[1.0], [7.0], [2.0]]], "float32")
    measure = tasks.measure(keras.losses.MeanSquaredError(), tasks.find("regression"))
    found = measure(tf.zeros((1, 3, 1)), model(x))
    np.testing.assert_array_equal(found.losses, [5.0])
    np.testing.assert_array_equal(found.counts, [2.0])


@pytest.mark.parametrize("shape", [(3,), (2, 4), ()])
def test_weights_of_another_shape_are_refused(shape):
    with pytest.raises(PruningError, match=r"do not suit losses of shape \(2, 3, 4\)"):
        measured(np.ones(shape, "float32"))


def test_a_loss_per_image_cannot_leave_out_pixels():
    with pytest.raises(PruningError, match=r"has void labels .* losses of shape \(2,\)"):
        measured(loss=lambda y, p: tf.reduce_mean(p, [1, 2, 3]))


def test_class_weights_need_classes():
    with pytest.raises(PruningError, match=r"class_weight has no effect on task 'regression'"):
        measured(loss=keras.losses.MeanSquaredError(), task="regression", labels=LOGITS,
                 class_weight=[1.0, 1.0, 1.0])  # fmt: skip
