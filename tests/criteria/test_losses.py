"""Scores by any loss: the model's own or another, with void labels and sample weights."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError, tasks

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((9, 6, 6, 2)).astype("float32")
LABELS = RNG.integers(0, 3, 9)
MASKS = RNG.integers(0, 3, (9, 6, 6))
CRITERIA = ["gfbs", "taylor"]
BETA_OFF = {"gfbs": {"beta": "off"}, "taylor": {}}  # the part that the loss decides


def network(activation=None, pixels=False):
    keras.utils.set_random_seed(1)
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    x = x if pixels else layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(3, activation=activation, name="head")(x))


def scores(criterion, labels, *weights, model=None, **options):
    graph = tfprune.analyse(network() if model is None else model)
    options |= BETA_OFF[criterion]
    return tfprune.score(graph, criterion, (IMAGES, labels, *weights), **options)["conv"]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_one_hot_labels_with_their_loss_score_like_class_numbers(criterion):
    expected = scores(criterion, LABELS)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    one_hot = np.eye(3, dtype="float32")[LABELS]
    np.testing.assert_allclose(scores(criterion, one_hot, loss=loss), expected, rtol=1e-4)
    model = network()
    model.compile(loss=loss)
    np.testing.assert_allclose(scores(criterion, one_hot, model=model), expected, rtol=1e-4)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_loss_by_its_name_is_that_of_the_model_s_outputs(criterion):
    model = network("softmax")
    expected = scores(criterion, LABELS, model=model)
    found = scores(criterion, LABELS, model=model, loss="sparse_categorical_crossentropy")
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_taylor_of_a_regression_is_the_squared_change_of_the_squared_error():
    """At the head, which is linear: (2 (y - t) / 3) y for each of three outputs."""
    model, targets = network(), RNG.standard_normal((9, 3)).astype("float32")
    outputs = np.float64(model.predict(IMAGES, verbose=0))
    expected = np.mean((2 * (outputs - targets) / 3 * outputs) ** 2, 0)
    graph = tfprune.analyse(model)
    found = tfprune.score(graph, "taylor", (IMAGES, targets), loss="mse", task="regression")
    np.testing.assert_allclose(found["head"], expected, rtol=1e-4)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_void_pixels_do_not_count_whether_the_task_or_the_loss_says_so(criterion):
    model, masks = network(pixels=True), MASKS.copy()
    masks[:, :2] = 255
    by_task = scores(criterion, masks, model=model)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    by_loss = scores(criterion, masks, model=model, loss=loss)
    np.testing.assert_allclose(by_loss, by_task, rtol=1e-4)
    weights = np.float32(masks < 255)
    weighted = scores(criterion, np.where(masks < 255, masks, 0), weights, model=model)
    # A weight of 0 takes the loss of a pixel away, but it counts in the mean: 24 of 36 do not.
    share = (24 / 36) ** 2 if criterion == "taylor" else 1
    np.testing.assert_allclose(weighted, share * by_task, rtol=1e-4)
    assert not np.allclose(scores(criterion, MASKS, model=model), by_task, rtol=1e-2)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_another_void_label_is_the_task_s(criterion):
    model, masks = network(pixels=True), MASKS.copy()
    masks[:, :2] = 255
    expected = scores(criterion, masks, model=model)
    task = tasks.find("segmentation", void=77)
    masks[:, :2] = 77
    found = scores(criterion, masks, model=model, task=task)
    np.testing.assert_array_equal(found, expected)


def test_a_sample_s_weight_multiplies_its_loss():
    """Twice the losses make four times the squares, and none of them none."""
    plain = scores("taylor", LABELS)
    doubled = scores("taylor", LABELS, np.full(9, 2, "float32"))
    np.testing.assert_allclose(doubled, 4 * plain, rtol=1e-5)
    weights = np.float32(np.arange(9) < 5)
    graph = tfprune.analyse(network())
    first = tfprune.score(graph, "taylor", (IMAGES[:5], LABELS[:5]))["conv"]
    np.testing.assert_allclose(scores("taylor", LABELS, weights), first * 5 / 9, rtol=1e-4)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (LABELS, {"loss": "crossentropi"}, "Unknown loss 'crossentropi'"),
        (LABELS, {"task": "detection"}, "Unknown task 'detection'"),
        (LABELS, {"loss": ["mse", "mse"]}, "Expected one loss, received"),
        (np.eye(3)[LABELS], {}, "Convert one-hot labels with labels.argmax"),
        (np.eye(4)[LABELS], {"loss": "mse"}, "batch does not suit the model or the loss"),
    ],
)
def test_a_loss_or_labels_that_do_not_suit_are_told(criterion, labels, options, message):
    with pytest.raises(PruningError, match=message):
        scores(criterion, labels, **options)


def test_progress_is_told_of_every_micro_batch():
    told, graph = [], tfprune.analyse(network())
    data = (np.tile(IMAGES, (8, 1, 1, 1)), np.tile(LABELS, 8))  # 72 images, 32 at a time
    tfprune.score(graph, "taylor", data, progress=lambda *how: told.append(how))
    assert told == [(32, None, None), (64, None, None), (72, None, None)]


@pytest.mark.parametrize(
    ("criterion", "progress", "message"),
    [
        ("taylor", 3, "progress must be a function of .*, received 3"),
        ("l1", print, "progress has no effect on criterion 'l1', which reads no data"),
    ],
)
def test_progress_that_cannot_be_told_is_refused(criterion, progress, message):
    with pytest.raises(PruningError, match=message):
        tfprune.score(tfprune.analyse(network()), criterion, (IMAGES, LABELS), progress=progress)
