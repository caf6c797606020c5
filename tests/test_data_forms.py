"""Everything that takes data takes the same forms of it, and finds the same in all of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import training
from tfprune.data import Arrays, Split
from tfprune.data.statistics import measure
from tfprune.errors import PruningError
from tfprune.exporting import _signature

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 6, 6, 2)).astype("float32")
Y = np.array([0, 1, 1, 0, 1, 0, 0])
SPLIT = Split(Arrays(X, Y), statistics=measure(X, 1))


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 6, 2), name="image")
    x = layers.Conv2D(4, 3, name="conv")(image)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    return keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.own = batches

    def __len__(self):
        return len(self.own)

    def __getitem__(self, place):
        return self.own[place]


class Again:
    """An iterable that is no list, and can be read again."""

    def __init__(self, batches):
        self.own = batches

    def __iter__(self):
        return iter(self.own)


def cut(size):
    return [(X[i : i + size], Y[i : i + size]) for i in range(0, len(X), size)]


def dataset(size, inputs=X):
    return tf.data.Dataset.from_tensor_slices((inputs, Y)).batch(size)


WHOLE = {
    "arrays": (X, Y),
    "tensors": (tf.constant(X), tf.constant(Y)),
    "arrays by name": ({"image": X}, Y),
    "arrays, inputs in a list": ([X], Y),
    "labels as numbers": (X, Y.tolist()),
}
IN_BATCHES = {
    "dataset": dataset,
    "dataset by name": lambda size: dataset(size, {"image": X}),
    "dataset of unknown length": lambda size: dataset(size).filter(lambda x, y: True),
    "distributed dataset": lambda size: tf.distribute.OneDeviceStrategy(
        "CPU:0"
    ).experimental_distribute_dataset(dataset(size)),
    "PyDataset": lambda size: Batches(cut(size)),
    "list": cut,
    "list of lists": lambda size: [list(batch) for batch in cut(size)],
    "list by name": lambda size: [({"image": x}, y) for x, y in cut(size)],
    "other iterable": lambda size: Again(cut(size)),
    "split.epochs": lambda size: SPLIT.epochs(size, normalisation="none"),
}
ONCE = {"iterator": lambda size: iter(cut(size)), "generator": lambda size: (b for b in cut(size))}


def forms(names):
    every = {**WHOLE, **IN_BATCHES, **ONCE}
    return pytest.mark.parametrize("form", [name for name in every if name in names])


def given(form, size):
    return WHOLE[form] if form in WHOLE else {**IN_BATCHES, **ONCE}[form](size)


def sizes(form, size):
    """The batch size, which arrays alone do not know themselves."""
    return {"batch_size": size} if form in WHOLE else {}


EVERY, AGAIN = {*WHOLE, *IN_BATCHES, *ONCE}, {*WHOLE, *IN_BATCHES}


@forms(EVERY)
@pytest.mark.parametrize("criterion", ["gfi", "hrank"])  # with labels and without
def test_score(model, criterion, form):
    graph = tfprune.analyse(model)
    expected = tfprune.score(graph, criterion, [(X[:4], Y[:4]), (X[4:], Y[4:])])["conv"]
    assert len(np.unique(expected)) > 1
    found = tfprune.score(graph, criterion, given(form, 4))["conv"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.fixture(scope="module")
def kept(model):
    return tfprune.prune(model, (X, Y), "gfi", ratio=0.5)[1].keep["conv"]


@forms(["arrays", "split.epochs", "generator"])
def test_prune(model, kept, form):
    _, report = tfprune.prune(model, given(form, 4), "gfi", ratio=0.5)
    np.testing.assert_array_equal(report.keep["conv"], kept)


@pytest.fixture(scope="module")
def loss(linear):
    linear.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return linear.evaluate(X, Y, verbose=0)


@forms(EVERY)
def test_evaluate(linear, loss, form):
    found = training.evaluate(linear, given(form, 4), **sizes(form, 4))
    assert found["loss"] == pytest.approx(loss, rel=1e-5)


@forms(EVERY)
def test_recalibrate(model, form):
    kernel, bias = model.get_layer("conv").get_weights()
    maps = keras.ops.conv(X, kernel) + bias
    means = [np.mean(maps[:4], (0, 1, 2)), np.mean(maps[4:], (0, 1, 2))]
    new = training.recalibrate(model, given(form, 4), **sizes(form, 4))
    found = new.get_layer("norm").moving_mean.numpy()
    np.testing.assert_allclose(found, np.average(means, 0, [4, 3]), rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def linear():
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 6, 2), name="image")
    return keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))


@pytest.fixture(scope="module")
def trained(linear):
    new, history = tfprune.fine_tune(linear, [(X, Y)], epochs=1, validation=(X, Y))
    assert not np.array_equal(new.get_weights()[0], linear.get_weights()[0])
    return new.get_weights(), history.metrics["val_loss"]


@forms(AGAIN)
def test_fine_tune(linear, trained, form):
    # One batch an epoch: arrays are shuffled, and the order within a batch does not matter.
    found, history = tfprune.fine_tune(
        linear, given(form, 7), epochs=1, validation=given(form, 4), **sizes(form, 7)
    )
    for left, right in zip(found.get_weights(), trained[0], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(history.metrics["val_loss"], trained[1], rtol=1e-4)


@pytest.fixture(scope="module")
def cut_model(model):
    graph, keep = tfprune.analyse(model), {"conv": np.array([True, False, True, True])}
    small = tfprune.rebuild(graph, keep)
    return (graph, keep, small), tfprune.verify(graph, keep, small, inputs=X).scale


@forms(EVERY)
def test_verify(cut_model, form):
    pruned, scale = cut_model
    assert tfprune.verify(*pruned, inputs=given(form, 4)).scale == pytest.approx(scale, rel=1e-5)


@forms(EVERY)
def test_export(linear, form, tmp_path, monkeypatch):
    compared = []
    outputs = _signature.outputs
    monkeypatch.setattr(
        "tfprune.exporting._signature.outputs",
        lambda model, batch: compared.append(batch) or outputs(model, batch),
    )
    tfprune.export(linear, tmp_path, formats=["keras"], inputs=given(form, 4))
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in compared]), X)


@forms(ONCE)
def test_what_is_read_only_once_does_not_train(model, form):
    with pytest.raises(PruningError, match=r"fine_tune: data and validation are read in every"):
        tfprune.fine_tune(model, given(form, 4), epochs=2)
    with pytest.raises(PruningError, match=r"fine_tune: data and validation are read in every"):
        tfprune.fine_tune(model, (X, Y), validation=given(form, 4), epochs=2)


USERS = {
    "score": lambda model, data: tfprune.score(tfprune.analyse(model), "gfi", data),
    "prune": lambda model, data: tfprune.prune(model, data, "gfi", ratio=0.5),
    "evaluate": training.evaluate,
    "recalibrate": training.recalibrate,
    "fine_tune": lambda model, data: tfprune.fine_tune(model, data, epochs=1),
    "validation": lambda model, data: tfprune.fine_tune(model, (X, Y), validation=data, epochs=1),
}
WRONG = {
    "none": (None, r"needs data: .*received None"),
    "number": (3, r"expected data as a tf.data.Dataset.*received int"),
    "split": (SPLIT, r"split.epochs.*received Split"),
    "two inputs": (([X, X], Y), r"expected 1 inputs .image. of model .* received 2"),
    "tuple of batches": (tuple(cut(4)), r"several batches into a list"),
    "nothing": ([], r"received no batch. Pass at least one"),
    "lengths": ([(X, Y[:3])], r"same number of samples .*\(3,\)|does not suit"),
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(("data", "text"), WRONG.values(), ids=WRONG)
def test_what_is_no_data_is_refused_by_all_alike(model, user, data, text):
    if data is None and user == "validation":
        pytest.skip("no validation is none")
    with pytest.raises(PruningError, match=text):
        USERS[user](model, data)
