"""Which part of a batch is what, for models with one input and with several."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.passes.batch import as_batch
from tfprune.passes.reader import all_inputs, read, require_rereadable

A, B, Y, W = np.zeros((4, 2)), np.ones((4, 2)), np.arange(4), np.full(4, 0.5)


def one():
    return keras.Sequential([keras.Input((2,), name="a"), keras.layers.Dense(2)])


def two(nest=list):
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    return keras.Model(nest([a, b]), keras.layers.Add()([a, b]))


def by_keys():
    a, b = keras.Input((2,), name="first"), keras.Input((2,), name="second")
    return keras.Model({"second": b, "first": a}, keras.layers.Subtract()([a, b]))


def parts(value, model):
    batch = as_batch(value, model, "the test")
    return batch.inputs, batch.labels, batch.weights


def assert_same(found, expected):
    keras.tree.assert_same_structure(found, expected)
    for left, right in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        np.testing.assert_array_equal(left, right)


ONE_INPUT = {
    "array": (A, (A, None, None)),
    "tuple of one": ((A,), (A, None, None)),
    "tuple": ((A, Y), (A, Y, None)),
    "with weights": ((A, Y, W), (A, Y, W)),
    "list as Keras takes it": ([A, Y], (A, Y, None)),
    "by name": (({"a": A}, Y), (A, Y, None)),
    "by name with others": (({"a": A, "id": Y}, Y), (A, Y, None)),
    "inputs in a list": (([A], Y), (A, Y, None)),
    "labels as numbers": ((A, [3, 2, 1, 0]), (A, np.array([3, 2, 1, 0]), None)),
    "no labels": ((A, None), (A, None, None)),
}


@pytest.mark.parametrize(("value", "expected"), ONE_INPUT.values(), ids=ONE_INPUT)
def test_a_batch_for_one_input(value, expected):
    assert_same(parts(value, one()), expected)


TWO_INPUTS = {
    "list of inputs": ([A, B], ([A, B], None, None)),
    "inputs and labels": (([A, B], Y), ([A, B], Y, None)),
    "tuple of inputs and labels": (((A, B), Y, W), ([A, B], Y, W)),
    "list of inputs and labels": ([[A, B], Y], ([A, B], Y, None)),
    "by name": (({"b": B, "a": A}, Y), ([A, B], Y, None)),
    "by name alone": ({"b": B, "a": A}, ([A, B], None, None)),
}


@pytest.mark.parametrize(("value", "expected"), TWO_INPUTS.values(), ids=TWO_INPUTS)
def test_a_batch_for_two_inputs(value, expected):
    assert_same(parts(value, two()), expected)


def test_inputs_come_nested_as_the_models_own():
    assert_same(parts(([A, B], Y), two(tuple)), ((A, B), Y, None))
    given = {"first": A, "second": B, "third": Y}
    assert_same(parts((given, Y), by_keys()), ({"first": A, "second": B}, Y, None))


REFUSED = {
    r"expected 2 inputs .* received 1: array \(4, 2\). A tuple is \(inputs, labels": (A, B),
    r"expected 1 inputs .* received 2: \(array .*several batches into a list": ((A, Y), (A, Y)),
    r"\(inputs, labels, weights\) at most, received 4 parts": (A, Y, W, W),
    r"expected inputs named \['a', 'b'\], received \['a', 'image'\]": {"a": A, "image": B},
    r"expected inputs as arrays or tensors, received \[\[float, float\]": ([[1.0, 2.0]], Y),
    r"expected labels and weights as arrays, received str": (A, "labels"),
}
FOR_ONE = [r"expected 1 inputs", r"\(inputs, labels, weights\)", r"expected labels"]


@pytest.mark.parametrize(("text", "value"), REFUSED.items(), ids=REFUSED)
def test_what_stays_ambiguous_is_refused(text, value):
    model = one() if any(text.startswith(start) for start in FOR_ONE) else two()
    with pytest.raises(PruningError, match=text):
        as_batch(value, model, "the test")


def test_a_list_is_of_batches_unless_its_arrays_are_the_models_inputs():
    assert [batch.size for batch in read([A, B[:2]], one(), "the test")] == [4, 2]
    assert [batch.size for batch in read([A, B], two(), "the test")] == [4]
    assert [batch.size for batch in read([A, B], two(), "the test", batch_size=3)] == [3, 1]
    assert [batch.size for batch in read([[A, B], [A, B]], two(), "the test")] == [4, 4]


def test_all_inputs_are_those_of_all_batches():
    found = all_inputs([([A, B], Y), ([A + 2, B + 2], Y)], two(), "the test")
    assert_same(found, [np.concatenate([A, A + 2]), np.concatenate([B, B + 2])])


class Endless(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, place):
        return A + place, Y


def test_a_pydataset_ends_after_its_length():
    assert [batch.inputs.max() for batch in read(Endless(), one(), "the test")] == [0, 1]


def test_a_limit_ends_what_has_no_end():
    dataset = tf.data.Dataset.from_tensors((A, Y)).repeat()
    assert len(list(read(dataset, one(), "the test", limit=3))) == 3
    with pytest.raises(PruningError, match=r"repeats without end.*take\(steps\)"):
        list(read(dataset, one(), "the test"))


UNREADABLE = {
    r"the test needs data: pass batches of \(inputs, labels\); received None": None,
    r"the test received no batch. Pass at least one": [],
    r"expected data as a tf.data.Dataset.*received int": 3,
    r"expected data as a tf.data.Dataset.*received str": "data",
    r"the test needs labels: .*each a tuple; received array \(4, 2\) alone": [A, Y],
    r"same number of samples .*received \(array \(4, 2\), array \(3,\)\)": (A, Y[:3]),
    r"the test takes no sample weights": (A, Y, W),
}


@pytest.mark.parametrize(("text", "data"), UNREADABLE.items(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused(text, data):
    with pytest.raises(PruningError, match=text):
        list(read(data, one(), "the test", labels=True))


def test_batches_without_a_sample_are_no_batches():
    with pytest.raises(PruningError, match="received no batch"):
        list(read([(A[:0], Y[:0])], one(), "the test"))


def test_weights_come_through_where_they_are_asked_for():
    (batch,) = read((A, Y, W), one(), "the test", labels=True, weights=True)
    np.testing.assert_array_equal(batch.weights, W)


def test_an_iterator_is_refused_where_the_data_is_read_again():
    require_rereadable([A], "it is read twice")
    with pytest.raises(PruningError, match="it is read twice, .*received list_iterator"):
        require_rereadable(iter([A]), "it is read twice")
