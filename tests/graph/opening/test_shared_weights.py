"""Weights that several layers read: one weight stays one weight."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.graph.opening import nets
from tests.masks import random_masks

TOKENS = np.array([[1, 2, 3], [8, 0, 5]], "int32")


class Language(keras.Model):
    """Logits over the words are products with the words' own table."""

    def __init__(self, read):
        super().__init__()
        self.read = read
        self.words = layers.Embedding(9, 8)
        self.hidden, self.back = layers.Dense(12, activation="relu"), layers.Dense(8)

    def call(self, tokens):
        return self.read(self.back(self.hidden(self.words(tokens))), self.words.embeddings)


READINGS = {
    "transpose": lambda x, table: ops.matmul(x, ops.transpose(table)),
    "operator": lambda x, table: x @ ops.transpose(table),
    "operator of the weight": lambda x, table: ops.swapaxes(table @ ops.swapaxes(x, 1, 2), 1, 2),
    "einsum": lambda x, table: ops.einsum("btd,vd->btv", x, table),
    "scaled": lambda x, table: ops.matmul(x, ops.transpose(table * 0.5)),
}


class Autoencoder(keras.Model):
    """The decoder's matrix is the encoder's."""

    def __init__(self):
        super().__init__()
        self.before, self.code = layers.Dense(6), layers.Dense(5, activation="relu")
        self.last = layers.Dense(3)

    def call(self, x):
        code = self.code(self.before(x))
        return self.last(ops.matmul(code, ops.transpose(self.code.kernel))) + self.code.bias[:3]


def built(model, x):
    model(x)
    return nets.enlivened(model)


def assert_equal(model, opened, x):
    expected = np.asarray(model(x))
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(opened(x), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("reading", READINGS)
def test_a_table_that_is_read_as_a_matrix_stays_one(reading):
    model = built(Language(READINGS[reading]), TOKENS)
    opened = tfprune.open_up(model, keras.Input((None,), dtype="int32"))
    assert_equal(model, opened, TOKENS)
    assert opened.count_params() == model.count_params()
    graph = tfprune.analyse(opened)
    assert set(graph.groups["words"]) == {"back"}
    keep = {"words": np.arange(8) % 2 == 0, "back": np.arange(8) % 2 == 0}
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    assert small.get_layer("words").output_dim == 4


def test_a_kernel_that_another_call_reads_stays_one(tmp_path):
    x = np.random.default_rng(0).normal(size=(4, 7)).astype("float32")
    model = built(Autoencoder(), x)
    opened = tfprune.open_up(model)
    assert_equal(model, opened, x)
    assert opened.count_params() == model.count_params()
    graph = tfprune.analyse(opened)
    assert graph.free("code.kernel").sum() == 2  # three lie in the output by way of the bias
    keep = random_masks(graph, 1.0, 1)
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    small.save(tmp_path / "small.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "small.keras")(x), small(x))


class Whole(layers.Layer):
    """Draws numbers, so that it is left whole."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(6)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        return self.dense(x) + keras.random.normal((6,))


class Reads(layers.Layer):
    def __init__(self, other, **kwargs):
        super().__init__(**kwargs)
        self.other = other

    def call(self, x):
        return ops.matmul(x, self.other.dense.kernel)


def test_a_weight_of_what_is_left_whole_is_not_taken_twice():
    image, whole = keras.Input((6,)), Whole(name="whole")
    x = whole(image)
    model = keras.Model(image, Reads(whole, name="reads")(x))
    with pytest.raises(tfprune.PruningError, match=r"dense\w*/kernel would become two weights"):
        tfprune.open_up(model, keep=["whole"])


class Broadcast(keras.Model):
    """Adds one number for each sample to as many channels as there may be samples."""

    def __init__(self):
        super().__init__()
        self.wide, self.single = layers.Dense(3), layers.Dense(1)

    def call(self, x):
        return self.wide(x) + self.single(x)


@pytest.mark.parametrize("batch", [1, 2, 3, 4])
def test_a_number_for_each_sample_is_added_to_the_sample(batch):
    x = np.random.default_rng(0).normal(size=(batch, 5)).astype("float32")
    model = built(Broadcast(), x)
    assert_equal(model, tfprune.open_up(model), x)
