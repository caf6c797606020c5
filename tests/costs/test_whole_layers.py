"""Layers that no rule describes cost what their operations do, and what they cost is a constant."""

import keras
import pytest
from keras import layers, ops

import tfprune


class Whole(layers.Layer):
    """Calls other layers and draws numbers, so that nobody can open it."""

    def __init__(self, *inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = list(inner)

    def build(self, shape):
        for layer in self.inner:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, x):
        for layer in self.inner:
            x = layer(x)
        return x + keras.random.normal(ops.shape(x)) * 0.0


IMAGE = (8, 6, 4)
STEPS = (5, 4)
STOCK = {
    "conv": (IMAGE, lambda: layers.Conv2D(5, 3, strides=2, padding="same")),
    "depthwise": (IMAGE, lambda: layers.DepthwiseConv2D((2, 3), depth_multiplier=2)),
    "separable": (IMAGE, lambda: layers.SeparableConv2D(5, 3)),
    "transposed": (IMAGE, lambda: layers.Conv2DTranspose(5, 3, strides=2)),
    "three sides": ((4, 5, 6, 2), lambda: layers.Conv3D(3, 2)),
    "one side": (STEPS, lambda: layers.Conv1D(3, 2)),
    "dense": (STEPS, lambda: layers.Dense(7)),
    "einsum": (STEPS, lambda: layers.EinsumDense("abc,cd->abd", (5, 7))),
}


@pytest.mark.parametrize("kind", STOCK)
def test_a_layer_left_whole_costs_what_the_layers_within_do(kind):
    shape, make = STOCK[kind]
    stock = keras.Sequential([keras.Input(shape), make()])
    whole = keras.Sequential([keras.Input(shape), Whole(make(), name="own")])
    expected = tfprune.cost(stock)
    received = tfprune.cost(whole)
    assert expected.macs > 0
    assert (received.macs, received.params) == (expected.macs, expected.params)
    assert "no rule counts them: own" in str(received)
    assert "no rule" not in str(expected)


def test_a_stock_layer_without_a_rule_is_counted_too():
    layer = layers.SpectralNormalization(layers.Dense(3), name="spectral")
    assert tfprune.cost(keras.Sequential([keras.Input((4,)), layer])).macs == 12


def test_attention_left_whole_counts_its_products():
    def built(wrapped):
        x = keras.Input(STEPS)
        attention = layers.MultiHeadAttention(2, 3)
        attention.build(x.shape, x.shape)

        class Both(Whole):
            def build(self, shape):
                pass

            def call(self, x):
                return attention(x, x) + keras.random.normal(ops.shape(x)) * 0.0

        return keras.Model(x, Both(attention, name="own")(x) if wrapped else attention(x, x))

    assert tfprune.cost(built(wrapped=True)).macs == tfprune.cost(built(wrapped=False)).macs


def test_every_call_counts_also_within_a_model_and_where_frozen():
    image = keras.Input((6,))
    own = Whole(layers.Dense(6), name="own")
    inner = keras.Model(image, own(own(image)))
    x = keras.Input((6,))
    model = keras.Model(x, own(inner(x)))
    own.trainable = False
    assert tfprune.cost(model).macs == 3 * 36


def test_targets_of_macs_take_what_is_left_whole_for_a_constant():
    image = keras.Input(IMAGE)
    x = layers.Conv2D(16, 3, padding="same", name="before")(image)
    x = layers.Conv2D(4, 3, padding="same", name="narrow")(x)
    x = Whole(layers.Conv2D(16, 3, padding="same"), name="own")(x)
    x = layers.Conv2D(16, 3, padding="same", name="behind")(x)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    small, _ = tfprune.prune(model, None, method="l1", macs=0.6)
    before, after = tfprune.cost(model), tfprune.cost(small)
    assert abs(after.macs / before.macs - 0.6) < 0.03  # one channel of 16 is more than a percent
    own = [next(row.macs for row in cost.rows if row.name == "own") for cost in (before, after)]
    assert own == [48 * 9 * 4 * 16] * 2


class Loop(Whole):
    def call(self, x):
        return ops.while_loop(lambda y: ops.sum(y) < 0, lambda y: (self.inner[0](y),), (x,))[0]

    def compute_output_shape(self, shape):
        return shape


def test_what_a_loop_hides_is_refused():
    image = keras.Input((6,))
    x = Loop(layers.Dense(6), name="own")(image)
    model = keras.Model(image, layers.Dense(2)(layers.Dense(8)(x)))
    for refused in (lambda: tfprune.cost(model),
                    lambda: tfprune.prune(model, None, method="l1", macs=0.6)):  # fmt: skip
        with pytest.raises(tfprune.PruningError, match="layer 'own' .*no rule that counts its"):
            refused()


def test_an_open_size_is_refused_and_input_shape_tells_it():
    image = keras.Input((None, None, 3))
    x = Whole(layers.Conv2D(6, 3, padding="same"), name="own")(image)
    model = keras.Model(image, layers.Conv2D(2, 1)(layers.Conv2D(8, 1)(x)))
    with pytest.raises(tfprune.PruningError, match="layer 'own'"):
        tfprune.cost(model)
    assert tfprune.cost(model, input_shape=(4, 4, 3)).macs == 16 * (27 * 6 + 48 + 16)
    small, _ = tfprune.prune(model, None, method="l1", macs=0.8, input_shape=(4, 4, 3))
    count = small.layers[-2].filters
    assert count < 8
    assert tfprune.cost(small, input_shape=(4, 4, 3)).macs == 16 * (27 * 6 + 8 * count)
