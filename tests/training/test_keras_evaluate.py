"""`evaluate` and `fine_tune` against Keras' own, over losses, weights and outputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfprune.errors import PruningError
from tfprune.training import evaluate, fine_tune

from .toys import QUIET_FIT, blobs, largest_difference, linear

X, LABELS = blobs(24)
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
VALUES = X[:, :3]
WEIGHTS = np.random.default_rng(5).uniform(0, 2, 24).astype("float32")
SPARSE = keras.losses.SparseCategoricalCrossentropy
SMOOTHED = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
BY_WEIGHT = keras.losses.MeanAbsoluteError(reduction="mean_with_sample_weight")
LOSSES = {
    "sparse": (SPARSE(from_logits=True), LABELS),
    "one-hot": (SMOOTHED, ONE_HOT),
    "focal": (keras.losses.CategoricalFocalCrossentropy(from_logits=True), ONE_HOT),
    "binary": (keras.losses.BinaryCrossentropy(from_logits=True), ONE_HOT),
    "mse": ("mse", VALUES),
    "huber": (keras.losses.Huber(0.5), VALUES),
    "cosine": ("cosine_similarity", VALUES),
    "ignored": (SPARSE(from_logits=True, ignore_class=1), LABELS),
    "mean of weights": (BY_WEIGHT, VALUES),
}  # fmt: skip


def batched(*parts, size=24):
    return tf.data.Dataset.from_tensor_slices(parts).batch(size)


def keras_evaluate(model, data, loss, **settings):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.compile(loss=loss, **settings)
    return copy.evaluate(data, verbose=0, return_dict=True)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(("loss", "labels"), LOSSES.values(), ids=list(LOSSES))
def test_losses(loss, labels, weighted):
    data = batched(X, labels, WEIGHTS) if weighted else batched(X, labels)
    expected = keras_evaluate(linear(), data, loss)
    assert evaluate(linear(), data, loss=loss)["loss"] == pytest.approx(expected["loss"], rel=1e-5)


def test_weighted_accuracy_and_weights_over_uneven_batches():
    data = batched(X, LABELS, WEIGHTS, size=10)
    expected = keras_evaluate(linear(), data, SPARSE(True), weighted_metrics=["accuracy"])
    found = evaluate(linear(), data)
    assert found == {name: pytest.approx(value, rel=1e-5) for name, value in expected.items()}
    assert found["accuracy"] != pytest.approx(evaluate(linear(), (X, LABELS))["accuracy"])


def test_regression_with_keras_own_metrics():
    data = batched(X, VALUES, WEIGHTS, size=10)
    expected = keras_evaluate(linear(), data, "mse", weighted_metrics=["mae", "mse"])
    found = evaluate(linear(), data, task="regression")
    assert found == {name: pytest.approx(value, rel=1e-5) for name, value in expected.items()}


def pixels(classes=3):
    inputs = keras.Input((4, 4, 2))
    kernel = keras.initializers.RandomNormal(seed=3)
    return keras.Model(inputs, layers.Conv2D(classes, 1, kernel_initializer=kernel)(inputs))


def pictures():
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 4, 4, 2)).astype("float32"), rng.integers(0, 3, (6, 4, 4))


def test_void_pixels_neither_count_nor_are_wrong():
    x, labels = pictures()
    labels[:, :2] = 255
    ignoring = SPARSE(from_logits=True, ignore_class=255)
    expected = keras_evaluate(pixels(), batched(x, labels), ignoring)
    found = evaluate(pixels(), (x, labels), loss=ignoring)
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    predicted = pixels()(x).numpy().argmax(-1)
    assert found["accuracy"] == pytest.approx((predicted == labels)[:, 2:].mean())
    segmented = evaluate(pixels(), (x, labels), task="segmentation")
    assert segmented["loss"] == pytest.approx(found["loss"])
    assert segmented["pixel_accuracy"] == pytest.approx(found["accuracy"])


def test_void_pixels_in_uneven_batches_change_nothing():
    x, labels = pictures()
    labels[0] = 255
    labels[1, 1:] = 255
    whole = evaluate(pixels(), (x, labels), task="segmentation", batch_size=6)
    parts = evaluate(pixels(), (x, labels), task="segmentation", batch_size=1)
    assert parts == {name: pytest.approx(value, rel=1e-5) for name, value in whole.items()}


def test_miou_is_keras_own():
    x, labels = pictures()
    metric = keras.metrics.MeanIoU(3, sparse_y_pred=False)
    metric.update_state(labels, pixels()(x))
    found = evaluate(pixels(), (x, labels), task="segmentation")
    assert found["miou"] == pytest.approx(float(metric.result()), rel=1e-5)


def two_heads(seed=1):
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((5,))
    x = layers.Dense(4, "relu", name="hidden")(x)
    outputs = [layers.Dense(3, name="kind")(x), layers.Dense(1, name="size")(x)]
    return keras.Model(inputs, outputs)


SIZES = VALUES[:, :1]
TWO = {
    "list": ([SPARSE(True), "mse"], [0.7, 0.2], (LABELS, SIZES)),
    "names": ({"kind": SPARSE(True), "size": "mae"}, {"size": 3.0},
              {"kind": LABELS, "size": SIZES}),
    "one for all": ("mse", None, (VALUES, SIZES)),
    "one left out": ([None, "mse"], None, (LABELS, SIZES)),
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(("loss", "loss_weights", "labels"), TWO.values(), ids=list(TWO))
def test_several_outputs(loss, loss_weights, labels, weighted):
    data = batched(X, labels, WEIGHTS) if weighted else batched(X, labels)
    weights = loss_weights
    if isinstance(loss_weights, dict):
        weights = {"kind": 1.0, **loss_weights}
    expected = keras_evaluate(two_heads(), data, loss, loss_weights=weights)
    found = evaluate(two_heads(), data, loss=loss, loss_weights=loss_weights)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5)
    assert ("kind_loss" in found) == (loss != TWO["one left out"][0])
    assert "size_loss" in found


def fitted(model, data, **settings):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    fit = {name: settings.pop(name) for name in ("class_weight",) if name in settings}
    copy.compile(keras.optimizers.SGD(0.1, momentum=0.9), **settings)
    copy.fit(data, epochs=3, verbose=0, **fit)
    return copy


@QUIET_FIT
def test_training_with_sample_weights_is_keras_own():
    data = batched(X, LABELS, WEIGHTS, size=10)
    expected = fitted(linear(), data, loss=SPARSE(True))
    found, _ = fine_tune(linear(), data, epochs=3, learning_rate=0.1)
    assert largest_difference(found, expected) < 2e-6
    plain, _ = fine_tune(linear(), batched(X, LABELS, size=10), epochs=3, learning_rate=0.1)
    assert largest_difference(found, plain) > 1e-3


@QUIET_FIT
def test_training_with_class_weights_is_keras_own():
    data, table = batched(X, LABELS, size=10), {0: 3.0, 2: 0.5}
    expected = fitted(linear(), data, loss=SPARSE(True), class_weight={1: 1.0, **table})
    settings = {"epochs": 3, "learning_rate": 0.1}
    found, _ = fine_tune(linear(), data, class_weight=table, **settings)
    assert largest_difference(found, expected) < 2e-6
    listed, _ = fine_tune(linear(), data, class_weight=[3.0, 1.0, 0.5], **settings)
    assert largest_difference(found, listed) == 0
    hot, _ = fine_tune(
        linear(), batched(X, ONE_HOT, size=10), class_weight=table, **settings,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    )  # fmt: skip
    assert largest_difference(found, hot) < 2e-6


@QUIET_FIT
def test_training_several_outputs_is_keras_own():
    loss, loss_weights, labels = TWO["list"]
    data = batched(X, labels, size=10)
    expected = fitted(two_heads(), data, loss=loss, loss_weights=loss_weights)
    found, history = fine_tune(
        two_heads(), data, loss=loss, loss_weights=loss_weights, epochs=3, learning_rate=0.1,
        validation=data, restore_best=False,
    )  # fmt: skip
    assert largest_difference(found, expected) < 2e-6
    assert {"kind_loss", "kind_accuracy", "val_size_loss"} < set(history.metrics)
    compiled = two_heads()
    compiled.compile(loss=loss, loss_weights=loss_weights)
    again, _ = fine_tune(compiled, data, epochs=3, learning_rate=0.1)
    assert largest_difference(found, again) == 0


def test_an_auxiliary_head_weighs_half_and_bears_no_figures():
    x, labels = pictures()
    model = pixels()
    kernel = keras.initializers.RandomNormal(seed=9)
    aux = layers.Conv2D(3, 1, kernel_initializer=kernel, name="aux")(model.inputs[0])
    both = keras.Model(model.inputs, [model.output, aux])
    found = evaluate(both, (x, labels), task="segmentation")
    main = evaluate(model, (x, labels), task="segmentation")
    other = evaluate(keras.Model(model.inputs, aux), (x, labels), task="segmentation")
    assert found["loss"] == pytest.approx(main["loss"] + 0.5 * other["loss"], rel=1e-5)
    assert {k: v for k, v in found.items() if "loss" not in k} == {
        k: pytest.approx(v) for k, v in main.items() if k != "loss"
    }
    _, history = fine_tune(
        both, (x, labels), validation=(x, labels), task="segmentation", epochs=3,
        learning_rate=0.5, batch_size=2,
    )  # fmt: skip
    assert history.best_epoch == int(np.argmax(history.metrics["val_miou"]))


def test_the_best_epoch_of_several_outputs_has_the_lowest_loss():
    data = batched(X, (LABELS, SIZES), size=10)
    _, history = fine_tune(
        two_heads(), data, loss=[SPARSE(True), "mse"], validation=data, epochs=4, learning_rate=0.1
    )
    assert history.best_epoch == int(np.argmin(history.metrics["val_loss"]))


REFUSED = {
    r"Expected one loss for each of the 2 outputs \['kind', 'size'\], received 1": {
        "loss": ["mse"]},
    r"Unknown output in loss 'weight'.* Valid names: kind, size": {"loss": {"weight": "mse"}},
    r"Unknown loss 'msse'. Did you mean": {"loss": ["mse", "msse"]},
    r"loss_weights must be a list or a dictionary .*'size'\], received 0.5": {
        "loss": "mse", "loss_weights": 0.5},
    r"No output of \['kind', 'size'\] has a loss": {"loss": [None, None]},
}  # fmt: skip


@pytest.mark.parametrize(("text", "settings"), REFUSED.items(), ids=list(REFUSED))
def test_what_does_not_suit_the_outputs_is_refused(text, settings):
    with pytest.raises(PruningError, match=text):
        evaluate(two_heads(), batched(X, (VALUES, SIZES)), **settings)


def test_what_does_not_suit_one_output_is_refused():
    with pytest.raises(PruningError, match=r"loss_weights=\[1.0\] has no effect on .* one output"):
        evaluate(linear(), (X, LABELS), loss_weights=[1.0])
    with pytest.raises(PruningError, match=r"class_weight must be 3 numbers .*received \[1, 2\]"):
        fine_tune(linear(), (X, LABELS), epochs=1, class_weight=[1, 2])
    with pytest.raises(PruningError, match=r"classes from 0 to 2; received \{3: 1.0\}"):
        fine_tune(linear(), (X, LABELS), epochs=1, class_weight={3: 1.0})
    with pytest.raises(PruningError, match=r"Unknown task 'classify'.*classification"):
        evaluate(linear(), (X, LABELS), task="classify")


def test_labels_are_missing_for_an_output():
    data = batched(X, {"kind": LABELS})
    with pytest.raises(PruningError, match=r"no labels for the output 'size', .* for \['kind'\]"):
        evaluate(two_heads(), data, loss="mse")
