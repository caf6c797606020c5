"""The papers' own counters: their published integers, and naive sums."""

import keras
import pytest
from keras import layers

import models
import tfprune
from tests.models.counting import naive
from tfprune import PruningError

# architectures.md, sections 2.6 and 4: the counter's total for the network as published.
PUBLISHED = {
    "vgg16_fmc": {"thop": (314294272, 14991946), "hrank": (313464330, 14982474)},
    "densenet40_24": {"thop": (287710104, 1059298), "hrank": (282917338, 1040578)},
    "googlenet": {"thop": (1529421824, 6166250), "hrank": (1521756170, 6150442)},
    "resnet56_a": {"thop": (126554816, 853018), "hrank": (125485706, 848954)},
    "resnet110_a": {"thop": (254988992, 1727962), "hrank": (252887690, 1719866)},
    "resnet32_gfi": {"ptflops": (69935744, 465290)},
    "resnet50_v1": {"ptflops": (3889132544, 25557032)},
    "resnet50": {"ptflops": (4121924096, 25557032)},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_papers_counts(name):
    model = models.build(name)
    costs = {convention: tfprune.cost(model, convention) for convention in PUBLISHED[name]}
    assert {key: (cost.macs, cost.params) for key, cost in costs.items()} == PUBLISHED[name]


def every_element(size=8):
    x = keras.Input((size, size, 3))
    y = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    y = layers.ReLU(name="relu")(layers.BatchNormalization(name="bn")(y))
    y = layers.MaxPooling2D(2, name="max")(y)
    y = layers.AveragePooling2D(2, name="average")(y)
    y = layers.GlobalAveragePooling2D(name="global")(keras.ops.relu(y))
    return keras.Model(x, layers.Dense(5, name="dense")(y))


def test_conventions_add_their_elements():
    kernels, whole, quarter = 64 * 27 * 4 + 4 * 5, 64 * 4, 16 * 4
    expected = {
        "mac": kernels,
        "li": kernels,
        "hrank": kernels + 5,
        # biases, 2 per normalised element, outputs of average poolings, in + out of the global one
        "thop": kernels + whole + 2 * whole + 4 * 4 + (4 * 4 + 4),
        # the same biases and norms, the ReLU layer, inputs of all poolings
        "ptflops": kernels + whole + 2 * whole + whole + (whole + quarter + 4 * 4),
    }
    model = every_element()
    assert {name: tfprune.cost(model, name).macs for name in expected} == expected
    assert tfprune.cost(model, "thop").params == tfprune.cost(model, "ptflops").params == 145


def test_kernels_cost_in_proportion_to_the_positions():
    small, large = (
        {row.name: row for row in tfprune.cost(every_element(size)).rows} for size in (8, 16)
    )
    assert large["conv"].macs == 4 * small["conv"].macs
    assert large["dense"].macs == small["dense"].macs
    for field in ("conv_bias", "norm", "rectified", "pool_inputs"):
        for name in ("conv", "bn", "relu", "max"):
            more, less = (getattr(rows[name].elements, field) for rows in (large, small))
            assert more == 4 * less


def attention(x):
    return layers.MultiHeadAttention(2, 3, name="it")(x, x)


# Layers on 9 positions (or steps) of 4 channels: kernels times positions, and parameters.
ODD = {
    "Conv1D": (layers.Conv1D(5, 3, name="it"), 7 * 3 * 4 * 5, 65),
    "Conv1D strided": (layers.Conv1D(5, 3, 2, name="it"), 4 * 3 * 4 * 5, 65),
    "Conv1DTranspose": (layers.Conv1DTranspose(5, 3, name="it"), 9 * 3 * 4 * 5, 65),
    "DepthwiseConv1D": (layers.DepthwiseConv1D(3, name="it"), 7 * 3 * 4, 16),
    "SeparableConv1D": (layers.SeparableConv1D(3, 3, name="it"), 7 * (3 * 4 + 4 * 3), 27),
    "EinsumDense": (layers.EinsumDense("abc,cd->abd", (None, 6), name="it"), 9 * 4 * 6, 24),
    "MultiHeadAttention": (attention, 9 * 3 * 4 * 6 + 9 * 6 * 4 + 2 * 9 * 9 * 6, 118),
    "SimpleRNN": (layers.SimpleRNN(3, name="it"), 9 * (4 * 3 + 3 * 3), 24),
    "GRU": (layers.GRU(3, name="it"), 9 * (4 * 9 + 3 * 9), 81),
    "Bidirectional": (layers.Bidirectional(layers.LSTM(3), name="it"), 2 * 9 * (4 + 3) * 12, 192),
    "TimeDistributed": (layers.TimeDistributed(layers.Dense(3), name="it"), 9 * 4 * 3, 15),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_layers_count_their_kernels(case):
    layer, macs, params = ODD[case]
    x = keras.Input((9, 4))
    cost = tfprune.cost(keras.Model(x, layer(x)))
    assert (cost.macs, cost.params) == (macs, params)


def test_a_look_up_multiplies_nothing():
    x = keras.Input((9,), dtype="int32")
    cost = tfprune.cost(keras.Model(x, layers.Embedding(10, 3)(x)))
    assert (cost.macs, cost.params) == (0, 30)


def test_volumes_count_too():
    x = keras.Input((5, 6, 7, 4))
    cost = tfprune.cost(keras.Model(x, layers.Conv3D(2, 3)(x)))
    assert (cost.macs, cost.params) == (3 * 4 * 5 * 27 * 4 * 2, 27 * 4 * 2 + 2)


def test_a_network_of_keras():
    model = keras.applications.MobileNetV2(weights=None)
    cost = tfprune.cost(model)
    assert (cost.macs, cost.params) == naive(model)[::-1] == (300774272, 3504872)


def test_rows_say_what_each_layer_gives():
    rows = {row.name: row for row in tfprune.cost(every_element()).rows}
    assert list(rows) == ["conv", "bn", "relu", "max", "average", "global", "dense"]
    assert rows["conv"].output_shape == (None, 8, 8, 4)
    assert rows["max"].kind == "MaxPooling2D"


def test_the_table_shows_what_costs_under_its_convention():
    model = every_element()
    shown = [line.split()[0] for line in str(tfprune.cost(model)).splitlines()]
    assert shown == ["layer", "conv", "bn", "dense", "total"]
    more = [line.split()[0] for line in str(tfprune.cost(model, "ptflops")).splitlines()]
    assert more == ["layer", "conv", "bn", "relu", "max", "average", "global", "dense", "total"]


def test_a_frozen_layer_has_its_parameters():
    model = every_element()
    before = tfprune.cost(model).params
    model.trainable = False
    assert tfprune.cost(model).params == before == 145


def test_another_input_shape_is_counted():
    fixed, free = every_element(16), every_element(None)
    for convention in ("mac", "ptflops"):
        expected = tfprune.cost(fixed, convention)
        found = tfprune.cost(free, convention, input_shape=(16, 16, 3))
        assert (found.macs, found.params) == (expected.macs, expected.params)
    assert free.input.shape == (None, None, None, 3)


def test_before_after_and_the_change():
    before = tfprune.cost(models.build("resnet20"), "li")
    after = tfprune.cost(models.build("resnet20_a"), "li")
    assert [line.split() for line in after.compare(before).splitlines()] == [
        ["li", "before", "after", "change"],
        ["parameters", "271,690", f"{after.params:,}", f"{after.params / 271690 - 1:+.1%}"],
        ["MACs", "40,813,184", "40,551,040", "-0.6%"],
    ]
    assert "+0.6%" in before.compare(after)  # growth, where the two are given the other way round


def test_costs_of_different_conventions_do_not_compare():
    model = every_element()
    with pytest.raises(PruningError, match="before 'mac', after 'li'. Count both with the same"):
        tfprune.cost(model, "li").compare(tfprune.cost(model))


def test_a_convention_that_needs_an_unknown_count_says_which():
    model = keras.Sequential([keras.Input((None, 4)), layers.ReLU(name="relu")])
    assert tfprune.cost(model).macs == 0
    with pytest.raises(PruningError, match=r"'relu' .*\(None, None, 4\).*'ptflops' counts its rec"):
        tfprune.cost(model, "ptflops")
