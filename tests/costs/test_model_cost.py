"""Costs against loops over layers, and the conventions against each other."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError


def test_every_kind_of_kernel_is_counted_naively():
    image = keras.Input((9, 9, 4))
    x = layers.Conv2D(6, 3, name="conv")(image)  # 7x7
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)  # 5x5, 12
    x = layers.SeparableConv2D(8, 2, name="separable")(x)  # 4x4
    x = layers.Conv2D(8, 1, groups=4, name="grouped")(x)
    x = layers.Conv2DTranspose(5, 2, strides=2, name="transposed")(x)  # 8x8
    x = layers.Reshape((64, 5))(x)
    x = layers.Dense(7, name="sequence")(x)
    x = layers.LSTM(3, name="lstm")(x)
    model = keras.Model(image, layers.Dense(2, name="head")(x))
    macs = {row.name: row.macs for row in tfprune.cost(model).rows}
    assert macs == {
        "conv": 49 * 9 * 4 * 6,
        "depthwise": 25 * 9 * 12,
        "separable": 16 * (4 * 12 + 12 * 8),
        "grouped": 16 * 8 * 2,
        "transposed": 16 * 4 * 8 * 5,
        "sequence": 64 * 5 * 7,
        "lstm": 64 * (7 * 12 + 3 * 12),
        "head": 3 * 2,
    }
    assert tfprune.cost(model).params == model.count_params()


def test_a_shared_layer_counts_its_multiplications_at_every_call():
    first, second = keras.Input((4,)), keras.Input((4,))
    shared = layers.Dense(3, name="shared")
    model = keras.Model([first, second], layers.Add()([shared(first), shared(second)]))
    row = tfprune.cost(model, "hrank").rows[0]
    assert (row.macs, row.elements.dense_bias, row.weights) == (2 * 12, 2 * 3, 15)


def test_a_nested_model_counts_like_its_layers():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)], name="inner")
    image = keras.Input((4,))
    assert tfprune.cost(keras.Model(image, inner(image))).macs == tfprune.cost(inner).macs == 18


def test_conventions():
    image = keras.Input((4, 4, 3))
    x = layers.BatchNormalization()(layers.Conv2D(5, 3, padding="same")(image))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))
    macs, weights = 16 * 27 * 5 + 80 * 2, 27 * 5 + 5 + 80 * 2 + 2
    expected = {"mac": (macs, weights + 10), "li": (macs, weights), "hrank": (macs + 2, weights)}
    found = {name: tfprune.cost(model, name) for name in expected}
    assert {name: (cost.macs, cost.params) for name, cost in found.items()} == expected
    assert str(found["mac"]).splitlines()[-1].split() == ["total", "(mac)", "312", "2,320"]


def test_half_the_channels_of_both_sides_cost_a_quarter():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 1, name="a")(image)
    x = layers.Conv2D(8, 1, name="b")(x)
    model = keras.Model(image, layers.Conv2D(2, 1, name="c")(x))
    keep = {name: np.arange(8) < 4 for name in ("a", "b")}
    small = tfprune.rebuild(tfprune.analyse(model), keep)
    before, after = ({r.name: r.macs for r in tfprune.cost(m).rows} for m in (model, small))
    assert before["b"] == 4 * after["b"]
    assert before["a"] == 2 * after["a"]


def of_another_keras():
    model = type("Model", (), {"__module__": "tf_keras.src.training"})
    return type("Functional", (model,), {"__module__": "tf_keras.src.functional"})()


@pytest.mark.parametrize(
    ("model", "convention", "message"),
    [
        (lambda: None, "mac", "Expected a keras.Model, received NoneType"),
        (of_another_keras, "mac", r"Expected a model of Keras 3, received tf_keras.src."
         r"functional.Functional, of the package 'tf_keras'. Save it there.*load_model"),
        (lambda: keras.Sequential([layers.Dense(1)]), "mac", "is not built"),
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(1)]), "flops",
         "Unknown counting convention 'flops'.*Valid names: hrank, li, mac, ptflops, thop"),
        (lambda: keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3, name="c")]),
         "mac", "layer 'c' .Conv2D. works on maps of unknown size. Build the model with a fixed"),
    ],
)  # fmt: skip
def test_models_that_cannot_be_counted_are_refused(model, convention, message):
    with pytest.raises(PruningError, match=message):
        tfprune.cost(model(), convention)
