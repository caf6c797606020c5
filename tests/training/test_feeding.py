import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune.data
from tfprune.errors import PruningError
from tfprune.training.feeding import feed

X, Y = np.arange(10.0).reshape(5, 2), np.arange(5)


def labels(source, epoch=0):
    return [y.numpy().tolist() for _, y in source.batches(epoch)]


class Batches(keras.utils.PyDataset):
    ended = 0

    def __len__(self):
        return 3

    def __getitem__(self, place):
        return X[2 * place : 2 * place + 2], Y[2 * place : 2 * place + 2]

    def on_epoch_end(self):
        self.ended += 1


def test_arrays_datasets_and_pydatasets_give_the_same_batches():
    expected = [[0, 1], [2, 3], [4]]
    own = Batches()
    forms = [(X, Y), tf.data.Dataset.from_tensor_slices((X, Y)).batch(2), own]
    for form in forms:
        source = feed(form, batch_size=2 if isinstance(form, tuple) else None)
        assert source.steps == 3
        assert labels(source) == labels(source, 1) == expected
        source.finish()
    assert own.ended == 1


def test_arrays_are_shuffled_as_a_function_of_seed_and_epoch():
    one, again, other = (feed((X, Y), batch_size=5, shuffle=True, seed=s) for s in (1, 1, 2))
    orders = {str(labels(one, epoch)) for epoch in range(4)}
    assert len(orders) > 1
    assert labels(one, 3) == labels(again, 3)
    assert [labels(one, e) for e in range(4)] != [labels(other, e) for e in range(4)]
    assert sorted(labels(one, 2)[0]) == Y.tolist()


def test_inputs_go_with_their_labels():
    source = feed((X, Y), batch_size=2, shuffle=True)
    for x, y in source.batches(0):
        np.testing.assert_array_equal(x, X[y.numpy()])


@pytest.mark.parametrize("pack", [tuple, lambda pair: {"a": pair[0], "b": pair[1]}])
def test_a_dataset_of_several_inputs_keeps_them_apart(pack):
    """tf.data makes one tensor of a list, which inputs of unequal ranks refuse."""
    a, b = keras.Input((2, 2), name="a"), keras.Input((3,), name="b")
    x = keras.layers.Concatenate()([keras.layers.Flatten()(a), b])
    model = keras.Model([a, b], keras.layers.Dense(1)(x))
    pair = np.zeros((5, 2, 2)), np.ones((5, 3))
    data = tf.data.Dataset.from_tensor_slices((pack(pair), Y)).batch(2)
    inputs, _ = next(iter(feed(data, model=model).batches(0)))
    assert [x.shape.as_list() for x in inputs] == [[2, 2, 2], [2, 3]]


def test_a_splits_epochs_are_asked_for_each_epoch():
    train = tfprune.data.load("digits").train
    data = train.epochs(500, shuffle=True)
    source = feed(data)
    assert source.steps == 3
    first, second = (np.concatenate([y for _, y in source.batches(e)]) for e in (0, 1))
    assert len(first) == len(train)
    assert not np.array_equal(first, second)


REFUSED = {
    r"needs labels: .*each a tuple; received array \(5, 2\) alone": [X, Y],
    r"same number of samples in .*received \(array \(5, 2\), array \(4,\)\)": (X, Y[:4]),
    r"arrays are empty: expected at least one sample": (X[:0], Y[:0]),
    r"repeats without end.*take": tf.data.Dataset.from_tensors((X, Y)).repeat(),
    r"dataset is empty": tf.data.Dataset.from_tensors((X, Y)).take(0),
    r"needs labels: .*received array \(5, 2\) alone": tf.data.Dataset.from_tensors(X),
}


@pytest.mark.parametrize(("text", "data"), REFUSED.items(), ids=list(REFUSED))
def test_it_refuses(text, data):
    with pytest.raises(PruningError, match=text):
        feed(data)


def test_a_pydataset_without_labels_is_refused():
    class Inputs(Batches):
        def __getitem__(self, place):
            return X

    with pytest.raises(PruningError, match=r"needs labels: .*received array \(5, 2\) alone"):
        feed(Inputs())


def test_a_batch_size_for_batches_is_refused():
    with pytest.raises(PruningError, match=r"batch_size=2 has no effect .*BatchDataset"):
        feed(tf.data.Dataset.from_tensor_slices((X, Y)).batch(2), batch_size=2)
