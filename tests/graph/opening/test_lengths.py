"""Lengths that are open: of two texts, behind a convolution, counted down, shifted, compared."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.property.growing import enliven


class Positions(layers.Layer):
    """Adds the first rows of a table of its own."""

    def build(self, shape):
        self.table = self.add_weight(shape=(300, shape[-1]), name="table")

    def call(self, x):
        return x + self.table[: ops.shape(x)[1]]


def two_texts():
    """An encoder and a decoder, each with a table of positions and a mask."""
    names = "source", "source_mask", "target"
    source, mask, target = (keras.Input((None,), dtype="int32", name=n) for n in names)
    memory = Positions(name="here")(layers.Embedding(9, 8)(source))
    seen = ops.expand_dims(ops.cast(mask, "bool"), 1)
    query = Positions(name="there")(layers.Embedding(9, 8)(target))
    y = layers.MultiHeadAttention(2, 4)(query, memory, attention_mask=seen)
    return keras.Model([source, mask, target], layers.Dense(2)(y))


def listening():
    """A convolution halves the length, which a table and heads by EinsumDense follow."""
    x = keras.Input((None, 6))
    y = layers.Conv1D(8, 3, strides=2, padding="valid")(x)
    heads = layers.EinsumDense("abc,cde->abde", (None, 2, 4), name="heads")
    return keras.Model(x, heads(Positions(name="positions")(y)))


@pytest.mark.parametrize("lengths", [(7, 5), (4, 9)])
def test_two_texts_may_be_of_two_lengths(lengths):
    model = two_texts()
    enliven(model, 0)
    rng = np.random.default_rng(0)
    texts = [rng.integers(1, 9, (3, lengths[i])) for i in (0, 0, 1)]
    opened = tfprune.open_up(model)
    np.testing.assert_allclose(opened(texts), model(texts), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("length", [9, 40])
def test_what_a_convolution_leaves_of_a_length_stays_open(length):
    model = listening()
    enliven(model, 0)
    sound = np.random.default_rng(0).normal(size=(3, length, 6)).astype("float32")
    opened = tfprune.open_up(model)
    np.testing.assert_allclose(opened(sound), model(sound), rtol=1e-5, atol=1e-6)


class Distances(layers.Layer):
    """Waves of all distances between two places, as XLNet makes them."""

    def call(self, x):
        batch, steps = ops.shape(x)[0], ops.shape(x)[1]
        places = ops.arange(steps, -steps, -1.0, dtype="float32")
        turns = ops.einsum("i,d->id", places, np.arange(4, dtype="float32"))
        waves = ops.expand_dims(ops.sin(turns), 1)
        waves = ops.ones([ops.shape(waves)[0], batch, 4]) * waves
        return ops.reshape(waves, [batch, ops.shape(waves)[0], 4])


class Shifted(layers.Layer):
    """Scores of distances, shifted so that they stand at places."""

    def call(self, x):
        steps = ops.shape(x)[1]
        scores = ops.einsum("bid,bjd->bij", x, ops.concatenate([x, x], 1))
        size = ops.shape(scores)
        scores = ops.reshape(scores, [size[0], size[2], size[1], 1])[:, 1:]
        return ops.reshape(scores, [size[0], size[1], size[2] - 1])[:, :, :steps]


class Others(layers.Layer):
    """Compares places, and numbers with zero, by `==`."""

    def call(self, x):
        places = ops.arange(ops.shape(x)[1])
        same = ops.expand_dims(places, 1) == places
        weights = ops.where(same, 0.0, 1.0)
        y = ops.where(x == 0, 3.0, x)
        return ops.einsum("ij,bjd->bid", weights, y) * ops.cast(x != y, "float32")


@pytest.mark.parametrize("layer", [Distances, Shifted, Others])
@pytest.mark.parametrize("shape", [(2, 3, 4), (5, 7, 4)])
def test_what_is_made_of_a_length_follows_it(layer, shape):
    x = keras.Input((None, 4))
    model = keras.Model(x, layer()(x))
    numbers = np.random.default_rng(0).integers(-2, 3, shape).astype("float32")
    opened = tfprune.open_up(model)
    expected = model(numbers)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(opened(numbers), expected, rtol=1e-5, atol=1e-5)


class Newly(layers.Layer):
    """Adds axes in every way in which people write it."""

    def call(self, x):
        y = x[:, None] + x[:, :, None, :] + x[..., None, :] + x[:, None, ...]
        return ops.sum(y, axis=2) + ops.sum(x[None], axis=0) + x[..., None][..., 0]


def test_new_axes_are_an_operation_that_every_export_has():
    x = keras.Input((None, 4))
    model = keras.Model(x, Newly()(x))
    opened = tfprune.open_up(model)
    numbers = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    np.testing.assert_allclose(opened(numbers), model(numbers), rtol=1e-5, atol=1e-5)
    kinds = [type(each).__name__ for each in opened.operations]
    assert (kinds.count("ExpandDims"), kinds.count("GetItem")) == (6, 1)
