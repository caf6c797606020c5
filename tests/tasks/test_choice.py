import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.toys import linear, softmax
from tfprune import tasks
from tfprune.errors import PruningError

LOGITS = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], "float32")
LABELS = np.array([2, 0])
CLASSES = tasks.find("classification")


def losses(model, labels, outputs, loss=None, label_smoothing=0.0):
    chosen = tasks.choose(model, CLASSES, loss, label_smoothing)
    return tasks.measure(chosen, CLASSES)(tf.constant(labels), tf.constant(outputs)).losses


def test_logits_and_probabilities_give_the_same_cross_entropy():
    expected = -np.log(softmax(LOGITS)[[0, 1], LABELS])
    for activation, outputs in ((None, LOGITS), ("softmax", softmax(LOGITS))):
        found = losses(linear(activation=activation), LABELS, outputs)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("activation", [None, "softmax"])
@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None]], ids=["[N]", "[N, 1]"])
def test_label_smoothing(activation, labels):
    target = 0.9 * np.eye(3)[LABELS] + 0.1 / 3
    expected = -(target * np.log(softmax(LOGITS))).sum(-1)
    outputs = LOGITS if activation is None else softmax(LOGITS)
    found = losses(linear(activation=activation), labels, outputs, label_smoothing=0.1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_loss_of_a_compiled_model_is_used():
    model = linear()
    model.compile(loss=keras.losses.MeanSquaredError())
    found = losses(model, np.ones((2, 3), "float32"), LOGITS)
    np.testing.assert_allclose(found, ((LOGITS - 1) ** 2).mean(-1), rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "places"),
    [("mse", 1), (keras.losses.MeanSquaredError(), 1), (lambda y, p: (p - y) ** 2, 3)],
    ids=["name", "loss", "function"],
)
def test_a_given_loss_comes_first(loss, places):
    model = linear()
    model.compile(loss="mae")
    chosen = tasks.measure(tasks.choose(model, CLASSES, loss), CLASSES)
    found = chosen(tf.zeros((2, 3)), tf.constant(LOGITS))
    np.testing.assert_allclose(found.losses / found.counts, (LOGITS**2).mean(-1), rtol=1e-6)
    np.testing.assert_array_equal(found.counts, places)


def test_losses_that_do_not_suit_are_refused():
    model = linear()
    with pytest.raises(PruningError, match=r"label_smoothing=0.1 has no effect on .*'mse'"):
        tasks.choose(model, CLASSES, "mse", 0.1)
    with pytest.raises(PruningError, match=r"Expected one loss, received \['mse'\]"):
        tasks.choose(model, CLASSES, ["mse"])
    two = keras.Model(model.inputs, [model.output, model.output + 1])
    with pytest.raises(PruningError, match=r"has 2 outputs; expected one"):
        tasks.choose(two, CLASSES)


def test_a_misspelt_loss_lists_keras_own():
    with pytest.raises(
        PruningError,
        match=r"Unknown loss 'crossentropi'. Did you mean '.*crossentropy'\? .*mean_sq",
    ):
        tasks.choose(linear(), CLASSES, "crossentropi")
