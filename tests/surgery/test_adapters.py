"""LoRA: Keras' own is cut with its layer; one written of layers and weights is opened."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.property.growing import enliven


def dense(x):
    layer = layers.Dense(8, name="adapted")
    return layer(x), layer


def einsum(x):
    layer = layers.EinsumDense("abc,cd->abd", output_shape=(None, 8), name="adapted")
    return layer(x), layer


def convolution(x):
    layer = layers.Conv1D(8, 3, padding="same", name="adapted")
    return layer(x), layer


def attention(x):
    layer = layers.MultiHeadAttention(2, 4, name="adapted")
    return layer(x, x), layer._query_dense


def table(x):
    layer = layers.Embedding(9, 8, name="adapted")
    return layer(ops.cast(ops.round(ops.sigmoid(x[..., 0]) * 8), "int32")), layer


@pytest.mark.parametrize("kind", [dense, einsum, convolution, attention, table])
def test_a_lora_of_keras_own_is_cut_with_its_layer(kind, tmp_path):
    series = keras.Input((5, 6))
    y, adapted = kind(layers.Dense(6, name="before")(series))
    y = layers.Dense(2)(layers.Dense(8, name="behind")(y))
    model = keras.Model(series, y)
    adapted.enable_lora(2, lora_alpha=3)
    enliven(model, 0)
    graph = tfprune.analyse(model)
    assert graph.free("behind").all()
    assert graph.free("adapted/heads" if kind is attention else "adapted").all()
    assert graph.free("before").all() == (kind is not table)
    small, report = tfprune.prune(model, None, "l1", ratio=0.5)
    assert report.verification.proven
    part = small.get_layer("adapted")
    part = part._query_dense if kind is attention else part
    assert (part.lora_enabled, part.lora_rank, part.lora_alpha) == (True, 2, 3)
    small.save(tmp_path / "small.keras")  # Keras adds the LoRA to the kernel when it saves
    again = keras.models.load_model(tmp_path / "small.keras")
    x = np.random.default_rng(0).normal(size=(2, 5, 6)).astype("float32")
    np.testing.assert_allclose(again(x), small(x), rtol=1e-5, atol=1e-6)


class Adapted(layers.Layer):
    """What peft and keras.io write: a layer, and two thin matrices beside it."""

    def __init__(self, units, rank, **kwargs):
        super().__init__(**kwargs)
        self.base, self.units, self.rank = layers.Dense(units), units, rank

    def build(self, shape):
        self.base.build(shape)
        self.down = self.add_weight(name="down", shape=(shape[-1], self.rank))
        self.up = self.add_weight(name="up", shape=(self.rank, self.units))

    def call(self, x):
        return self.base(x) + ops.matmul(ops.matmul(x, self.down), self.up) * 0.5


def test_a_lora_written_by_hand_is_opened_and_its_rank_may_shrink():
    vector = keras.Input((6,))
    x = Adapted(8, 4, name="one")(vector)
    model = keras.Model(vector, layers.Dense(2)(Adapted(8, 4, name="two")(ops.relu(x))))
    enliven(model, 0)
    graph = tfprune.analyse(model)
    assert (graph.units_of("one.base") == graph.units_of("one.up")).all()
    small, report = tfprune.prune(graph.model, None, "l1", ratio=0.5, scope="layer")
    assert report.verification.proven
    assert {x.name: x.units for x in small.layers if isinstance(x, layers.Dense)} == {
        "one.base": 4, "one.down": 2, "one.up": 4, "two.base": 4, "two.down": 2, "two.up": 4,
        model.layers[-1].name: 2,
    }  # fmt: skip
