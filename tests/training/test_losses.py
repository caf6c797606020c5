import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.training import losses

from .toys import linear, softmax

LOGITS = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], "float32")
LABELS = np.array([2, 0])


def test_logits_and_probabilities_give_the_same_cross_entropy():
    expected = -np.log(softmax(LOGITS)[[0, 1], LABELS])
    for activation, outputs in ((None, LOGITS), ("softmax", softmax(LOGITS))):
        loss = losses.per_sample(losses.choose(linear(activation=activation)))
        np.testing.assert_allclose(loss(LABELS, outputs), expected, rtol=1e-5)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_label_smoothing(activation):
    target = 0.9 * np.eye(3)[LABELS] + 0.1 / 3
    expected = -(target * np.log(softmax(LOGITS))).sum(-1)
    outputs = LOGITS if activation is None else softmax(LOGITS)
    loss = losses.per_sample(losses.choose(linear(activation=activation), label_smoothing=0.1))
    np.testing.assert_allclose(loss(LABELS, outputs), expected, rtol=1e-5)


def test_the_loss_of_a_compiled_model_is_used():
    model = linear()
    model.compile(loss=keras.losses.MeanSquaredError())
    targets = np.ones((2, 3), "float32")
    found = losses.per_sample(losses.choose(model))(targets, LOGITS)
    np.testing.assert_allclose(found, ((LOGITS - 1) ** 2).mean(-1), rtol=1e-6)


@pytest.mark.parametrize(
    "loss", ["mse", keras.losses.MeanSquaredError(), lambda y, p: (p - y) ** 2]
)
def test_a_given_loss_comes_first(loss):
    model = linear()
    model.compile(loss="mae")
    found = losses.per_sample(losses.choose(model, loss))(tf.zeros((2, 3)), LOGITS)
    np.testing.assert_allclose(found, (LOGITS**2).mean(-1), rtol=1e-6)


def test_pictures_of_labels_are_averaged():
    logits = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    labels = np.random.default_rng(1).integers(0, 3, (2, 4, 5))
    right = np.take_along_axis(softmax(logits), labels[..., None], -1)[..., 0]
    loss = losses.per_sample(losses.choose(linear()))
    np.testing.assert_allclose(loss(labels, logits), -np.log(right).mean((1, 2)), rtol=1e-5)


def test_refusals():
    model = linear()
    with pytest.raises(PruningError, match=r"label_smoothing=0.1 has no effect on .*'mse'"):
        losses.choose(model, "mse", 0.1)
    with pytest.raises(PruningError, match=r"Expected one loss, received \['mse'\]"):
        losses.choose(model, ["mse"])
    two = keras.Model(model.inputs, [model.output, model.output + 1])
    with pytest.raises(PruningError, match=r"has 2 outputs; expected one"):
        losses.choose(two)
