"""A pruned model as a smaller configuration of the class that it was pruned from."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.property.growing import enliven
from tfprune import PruningError


class Block(layers.Layer):
    """Attention with a size of its own for heads, and an MLP whose halves gate each other."""

    def __init__(self, heads, size, inner, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(heads, size)
        self.up = layers.Dense(inner)
        self.down = layers.Dense(6)

    def build(self, shape):
        self.attention.build(shape, shape)
        self.up.build(shape)
        self.down.build((*shape[:-1], self.up.units // 2))
        self.built = True

    def call(self, x):
        x = x + self.attention(x, x)
        first, second = ops.split(self.up(x), 2, axis=-1)
        return x + self.down(first * ops.sigmoid(second))


class Backbone(keras.Model):
    """As keras-hub writes them: functional within, its arguments in its config."""

    def __init__(self, words, heads, size, inner, **kwargs):
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = layers.Embedding(words, 6, name="words")(tokens)
        for number in range(2):
            x = Block(heads, size, inner, name=f"block_{number}")(x)
        super().__init__(tokens, x, **kwargs)
        self.arguments = {"words": words, "heads": heads, "size": size, "inner": inner}

    def get_config(self):
        return {**self.arguments, "name": self.name}


def backbone():
    model = Backbone(9, 4, 3, 8)
    enliven(model, 0)
    return model


def masks(graph, **kept):
    """Keep the first heads and MLP channels of each block, alike or not."""
    found = {}
    for name in graph.producers:
        count = kept.get(name.rpartition("/")[2].rpartition(".")[2], graph.channels(name))
        half = graph.channels(name) // 2
        line = np.arange(half) < count // 2
        found[name] = np.tile(line, 2) if name.endswith("up") else np.arange(2 * half) < count
    return found


def test_a_uniform_cut_is_a_smaller_configuration():
    model = backbone()
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, masks(graph, heads=2, up=6))
    made = tfprune.as_class(small, model)
    assert type(made) is Backbone
    assert made.arguments == {"words": 9, "heads": 2, "size": 3, "inner": 6}
    tokens = np.array([[1, 2, 3], [4, 5, 8]])
    np.testing.assert_allclose(made(tokens), small(tokens), rtol=1e-5, atol=1e-6)
    assert np.abs(np.asarray(made(tokens)) - np.asarray(model(tokens))).max() > 1e-3


def test_a_cut_that_differs_from_block_to_block_is_no_configuration():
    model = backbone()
    graph = tfprune.analyse(model)
    keep = masks(graph, up=6) | {"block_0.up": np.ones(8, bool)}
    small = tfprune.rebuild(graph, keep)
    with pytest.raises(PruningError, match=r"No configuration of Backbone .* from 8 to \[6\], 4 "):
        tfprune.as_class(small, model)


def test_another_model_and_a_class_without_a_config_are_refused():
    model = backbone()
    other = keras.Sequential([keras.Input((2,)), layers.Dense(2)])
    with pytest.raises(PruningError, match="it has 2 weights for"):
        tfprune.as_class(other, model)

    class Bare(keras.Model):
        def __init__(self, width):
            super().__init__()
            self.dense = layers.Dense(width)

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            raise NotImplementedError

    bare = Bare(3)
    bare(np.ones((1, 2)))
    with pytest.raises(PruningError, match="Bare has no get_config"):
        tfprune.as_class(tfprune.open_up(bare), bare)
