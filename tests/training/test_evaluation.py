import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.passes.progress import telling
from tfprune.training import evaluate, fine_tune, losses
from tfprune.training.evaluation import Evaluation
from tfprune.training.feeding import feed

from .toys import blobs, linear, network, softmax


def test_it_equals_numpy_over_an_uneven_last_batch():
    model, (x, labels) = linear(), blobs(37)
    kernel, bias = model.get_weights()
    p = softmax(x @ kernel + bias)
    found = evaluate(model, (x, labels), batch_size=8)
    assert found["accuracy"] == pytest.approx((p.argmax(-1) == labels).mean())
    assert found["loss"] == pytest.approx(-np.log(p[np.arange(37), labels]).mean(), rel=1e-5)


def test_it_equals_keras_with_regularisers_and_changes_nothing():
    model, (x, labels) = network(), blobs(37)
    model.get_layer("head").kernel_regularizer = keras.regularizers.L2(0.1)
    before = model.get_weights()
    found = evaluate(model, (x, labels))
    for left, right in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(left, right)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    expected = model.evaluate(x, labels, verbose=0, return_dict=True)
    assert found == {name: pytest.approx(value, rel=1e-5) for name, value in expected.items()}


def test_who_listens_is_told_of_each_batch_but_not_in_a_training():
    told = []
    with telling(lambda done, of, left: told.append((done, of))):
        evaluate(network(), blobs(50), batch_size=16)
        assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
        fine_tune(network(), blobs(50), validation=blobs(20), epochs=1, batch_size=16)
    assert len(told) == 4


def test_labels_in_every_form():
    model, (x, labels) = linear(), blobs()
    expected = evaluate(model, (x, labels))["accuracy"]
    assert evaluate(model, (x, labels[:, None]))["accuracy"] == expected
    one_hot = np.eye(3, dtype="float32")[labels]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    assert evaluate(model, (x, one_hot), loss=loss)["accuracy"] == expected
    assert 0.2 < expected < 1


def test_no_accuracy_where_labels_are_no_classes():
    x, _ = blobs()
    assert list(evaluate(linear(), (x, x[:, :3]), loss="mse")) == ["loss"]
    assert list(evaluate(linear(classes=1), (x, x[:, 0]), loss="mse")) == ["loss"]


def test_pictures_count_by_their_share_of_right_places():
    inputs = keras.Input((2, 2, 3))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    logits = np.eye(3, dtype="float32")[np.array([[[0, 1], [2, 0]], [[1, 1], [1, 1]]])]
    labels = np.array([[[0, 1], [0, 1]], [[1, 1], [1, 1]]])
    assert evaluate(model, (logits, labels))["accuracy"] == pytest.approx(0.75)


def test_one_trace_serves_uneven_batches_and_every_epoch():
    model, data = linear(), blobs(21)
    traces = []

    def loss(y, p):
        traces.append(1)
        return keras.losses.sparse_categorical_crossentropy(y, p, from_logits=True)

    objective = losses.objective(model, loss=loss)
    measured = Evaluation(model, objective)
    found = [measured.of(feed(data, batch_size=8)) for _ in range(3)]
    assert found[0] == found[1] == found[2]
    assert len(traces) == 1


def test_a_dataset_of_unknown_length_is_read_to_its_end():
    model, (x, labels) = linear(), blobs(21)
    dataset = tf.data.Dataset.from_tensor_slices((x, labels)).filter(lambda x, y: True).batch(8)
    assert evaluate(model, dataset) == evaluate(model, (x, labels), batch_size=8)


def test_no_batch_is_refused():
    x, labels = blobs()
    none = tf.data.Dataset.from_tensor_slices((x, labels)).filter(lambda x, y: False).batch(8)
    with pytest.raises(PruningError, match=r"The data gave no batch"):
        evaluate(linear(), none)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x, y: (x, tf.one_hot(y, 2)),
        lambda x, y: (x, y + 100),
        lambda x, y: (x, y[:-1]),
        lambda x, y: (x, tf.strings.as_string(y)),
        lambda x, y: (x[:, :1], y),
    ],
    ids=["one-hot", "no such class", "too few", "text", "inputs"],
)
def test_batches_that_do_not_suit_are_refused_with_what_they_are(spoil):
    spoilt = tf.data.Dataset.from_tensor_slices(blobs(16)).batch(8).map(spoil)
    expected = r"batch does not suit .*received inputs and labels of shapes|same number of samp"
    with pytest.raises(PruningError, match=expected):
        evaluate(linear(), spoilt)
    with pytest.raises(PruningError, match=r"batch does not suit .*received \(TensorSpec"):
        fine_tune(linear(), spoilt, epochs=1)


@pytest.mark.parametrize("size", [0, 1.5, "a", True, [8]])
def test_a_batch_size_of_another_kind_is_refused(size):
    with pytest.raises(PruningError, match=r"batch_size must be a whole number from 1 on, rec"):
        evaluate(linear(), blobs(), batch_size=size)


def test_a_batch_size_beyond_all_samples_is_one_batch():
    assert evaluate(linear(), blobs(), batch_size=10**30) == evaluate(
        linear(), blobs(), batch_size=48
    )
