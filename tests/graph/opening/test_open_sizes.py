"""Shapes of two open sizes, notes of `training`, and layers that only a composite one can call."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.property.growing import enliven


class Experts(layers.Layer):
    """Tokens among the samples for a while, as a mixture of experts takes them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(8, activation="relu")
        self.outer = layers.Dense(4)

    def call(self, x):
        batch, steps, width = ops.shape(x)
        y = self.outer(self.inner(ops.reshape(x, (-1, width))))
        return x + ops.reshape(y, (batch, steps, width))


class Turned(layers.Layer):
    """Swaps the two open sizes without moving a number, as XLNet does."""

    def call(self, x):
        batch, steps = ops.shape(x)
        return ops.transpose(ops.reshape(x, (steps, batch)))


def text_model(layer):
    tokens = keras.Input((None,), dtype="int32")
    y = layer(layers.Embedding(9, 4, name="words")(tokens))
    model = keras.Model(tokens, layers.Dense(2, name="head")(y))
    enliven(model, 0)
    return model


@pytest.mark.parametrize("shape", [(2, 3), (5, 7), (1, 4)])
def test_tokens_go_among_the_samples_and_back_for_any_batch_and_length(shape):
    model = text_model(Experts(name="experts"))
    opened = tfprune.open_up(model)
    tokens = np.random.default_rng(0).integers(0, 9, shape)
    np.testing.assert_allclose(opened(tokens), model(tokens), rtol=1e-5, atol=1e-6)
    graph = tfprune.analyse(opened)
    assert graph.free("experts.inner").all()
    keep = {"experts.inner": np.arange(8) % 2 == 0}
    assert tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).proven


@pytest.mark.parametrize("shape", [(2, 3), (5, 7)])
def test_two_open_sizes_change_places(shape):
    x = keras.Input((None,))
    model = keras.Model(x, Turned()(x))
    numbers = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    np.testing.assert_array_equal(tfprune.open_up(model)(numbers), model(numbers))


class Notes(layers.Layer):
    """Notes `training` for a method of its own; with `counts`, a number of calls too."""

    def __init__(self, counts=False, **kwargs):
        super().__init__(**kwargs)
        self.dense, self.dropout = layers.Dense(4), layers.Dropout(0.5)
        self.counts, self.times = counts, 0

    def call(self, x, training=False):
        self.training = training
        if self.counts:
            self.times = self.times + 1
        return self._inner(x)

    def _inner(self, x):
        return self.dropout(self.dense(x), training=self.training)

    def compute_output_shape(self, shape):
        return shape[0][0]  # wrong, as in keras-hub's SmolLM3: nobody can call it by itself


class Outer(layers.Layer):
    """Holds one, and tells its own shape."""

    def __init__(self, counts, **kwargs):
        super().__init__(**kwargs)
        self.notes = Notes(counts)

    def build(self, shape):
        self.notes.dense.build(shape)
        self.notes.built = True
        super().build(shape)

    def call(self, x, training=False):
        return x + self.notes(x, training=training)

    def compute_output_shape(self, shape):
        return shape


def test_a_note_of_training_is_no_state():
    model = text_model(Outer(counts=False, name="outer"))
    opened = tfprune.open_up(model)
    tokens = np.array([[1, 2, 3]])
    np.testing.assert_allclose(opened(tokens), model(tokens), rtol=1e-5)
    different = np.abs(np.asarray(opened(tokens, training=True)) - np.asarray(opened(tokens)))
    assert different.max() > 1e-3


def test_the_first_reason_is_told_where_a_layer_cannot_be_called_by_itself():
    graph = tfprune.analyse(text_model(Outer(counts=True, name="outer")))
    (reason,) = {graph.pinned[unit] for unit in graph.units_of("words").tolist()}
    assert "outer.notes cannot be opened: sets the attribute 'times'" in reason
    assert "self.times = self.times + 1" in reason
    assert "nor called by itself" in reason
