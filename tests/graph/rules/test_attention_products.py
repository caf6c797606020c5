"""Attention without projections: queries and keys lose the same channels, or whole heads go."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.masks import random_masks
from tests.oracle import masked_outputs
from tests.property.growing import enliven
from tfprune.surgery.verification import random_inputs


def named(name, x, width=6):
    return layers.Dense(width, name=name)(x)


def assert_exact(model, keep):
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    inputs = random_inputs(model, seed=0)
    (wanted,) = masked_outputs(model, keep, inputs)
    np.testing.assert_allclose(small(inputs), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    return small


LAYERS = {
    "dot": lambda: layers.Attention(use_scale=True),
    "concat": lambda: layers.Attention(score_mode="concat"),
    "additive": layers.AdditiveAttention,
    "additive, unscaled": lambda: layers.AdditiveAttention(use_scale=False),
}


def with_layer(kind, members):
    x = keras.Input((4, 3))
    parts = [named(name, x, 5 if name == "v" and len(members) > 2 else 6) for name in members]
    y = layers.Dense(2, name="out")(LAYERS[kind]()(parts))
    model = keras.Model(x, y)
    enliven(model, 0)
    return model


@pytest.mark.parametrize("kind", LAYERS)
def test_queries_lose_the_channels_of_the_keys_and_values_their_own(kind):
    model = with_layer(kind, "qvk")
    graph = tfprune.analyse(model)
    assert graph.groups["q"] == ("k",)
    assert not graph.groups["v"]
    assert all(graph.free(name).all() for name in "qvk")
    both, own = np.arange(6) % 3 != 1, np.arange(5) != 2
    small = assert_exact(model, {"q": both, "k": both, "v": own})
    assert small.get_layer("out").kernel.shape == (4, 2)


@pytest.mark.parametrize("kind", LAYERS)
def test_values_that_are_the_keys_lose_the_same(kind):
    model = with_layer(kind, "qv")
    assert tfprune.analyse(model).groups["q"] == ("v",)
    mask = np.arange(6) % 2 == 0
    assert_exact(model, {"q": mask, "v": mask})


@pytest.mark.parametrize("kind", ["dot", "additive"])
def test_amounts_are_measured_with_zeros_in_both(kind):
    model = with_layer(kind, "qvk")
    graph = tfprune.analyse(model)
    x = np.random.default_rng(0).normal(size=(40, 4, 3)).astype("float32")
    small, report = tfprune.prune(model, x, method="l1", params=0.6, scope="sensitivity")
    assert report.verification.proven
    assert small.count_params() <= 0.65 * graph.model.count_params()


def test_their_products_are_counted():
    expected = {"dot": 16 * 6 + 16 * 5, "concat": 16 * 5, "additive": 16 * 6 + 16 * 5,
                "additive, unscaled": 16 * 5}  # fmt: skip
    dense = 4 * 3 * (6 + 5 + 6) + 4 * 5 * 2
    for kind, products in expected.items():
        assert tfprune.cost(with_layer(kind, "qvk")).macs == dense + products


def test_returned_scores_keep_all_channels():
    x = keras.Input((4, 3))
    y, scores = layers.Attention()([named("q", x), named("v", x)], return_attention_scores=True)
    graph = tfprune.analyse(keras.Model(x, [layers.Dense(2)(y), scores]))
    assert graph.pinned[graph.units_of("q")[0]].endswith("attention scores are returned")


def with_operation(bias=None, heads=4, **options):
    x = keras.Input((5, 3), name="x")
    parts = [ops.reshape(named(name, x, heads * 2), (-1, 5, heads, 2)) for name in "qkv"]
    extra = {}
    if bias is not None:
        extra["bias"] = bias(x)
    y = ops.dot_product_attention(*parts, **extra, **options)
    model = keras.Model(x, layers.Dense(2, name="out")(ops.reshape(y, (-1, 5, heads * 2))))
    enliven(model, 0)
    return model


def table(width):
    def bias(x):
        places = ops.cast(ops.sum(x, axis=-1) * 0, "int32")  # [b, 5]
        rows = layers.Embedding(3, width, name="table")(places)
        return ops.transpose(rows, (0, 2, 1))[:, :, None, :]  # [b, heads or 1, 1, 5]

    return bias


@pytest.mark.parametrize("causal", [False, True])
def test_whole_heads_of_the_operation_are_units(causal):
    model = with_operation(is_causal=causal)
    graph = tfprune.analyse(model)
    units = graph.units_of("q").reshape(4, 2)
    assert (units[:, 0] == units[:, 1]).all()
    assert len(set(units[:, 0].tolist())) == 4
    mask = np.repeat([True, False, True, True], 2)
    small = assert_exact(model, dict.fromkeys("qkv", mask))
    assert small.get_layer("q").units == 6
    assert tfprune.cost(model).macs == 3 * 5 * 3 * 8 + 25 * 4 * 4 + 5 * 8 * 2


def test_a_bias_of_every_head_goes_with_it_and_one_for_all_stays():
    model = with_operation(table(4))
    assert set(tfprune.analyse(model).groups["table"]) == set("qkv")
    heads = np.array([True, False, False, True])
    assert_exact(model, dict.fromkeys("qkv", np.repeat(heads, 2)) | {"table": heads})
    graph = tfprune.analyse(with_operation(table(1)))
    assert not graph.free("table").any()
    assert graph.free("q").all()


def test_a_constant_bias_of_every_head_keeps_them():
    constant = np.zeros((1, 4, 1, 5), "float32")
    graph = tfprune.analyse(with_operation(lambda x: constant))
    assert "a constant bias is given for every head" in graph.pinned[graph.units_of("q")[0]]


@pytest.mark.parametrize("axis", [0, 1])
def test_rows_of_a_table_are_looked_up(axis):
    tokens = keras.Input((4,), dtype="int32")
    places = ops.cast(ops.zeros_like(tokens), "int32") + np.arange(4, dtype="int32")
    rows = layers.Embedding(4, 6, name="rows")(places)  # [b, 4, 6]
    rows = ops.mean(rows, axis=0)  # [4, 6]
    picked = ops.take(rows, tokens, axis=0) if axis == 0 else ops.take(
        ops.transpose(rows), tokens, axis=1)  # fmt: skip
    y = picked if axis == 0 else ops.transpose(picked, (1, 2, 0))
    model = keras.Model(tokens, layers.Dense(2)(y))
    enliven(model, 0)
    graph = tfprune.analyse(model)
    assert graph.free("rows").all()
    keep = random_masks(graph, 0.5, 0)
    assert not keep["rows"].all()
    x = np.array([[0, 1, 2, 3], [3, 2, 0, 0]], "int32")
    small = tfprune.rebuild(graph, keep)
    (wanted,) = masked_outputs(model, keep, x)
    np.testing.assert_allclose(small(x), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def test_constants_of_every_head_go_with_it():
    x = keras.Input((5, 3))
    parts = [ops.reshape(named(name, x, 8), (-1, 5, 4, 2)) for name in "qkv"]
    scores = ops.einsum("bths,buhs->bhtu", parts[0], parts[1])
    slopes = np.array([1.0, 0.5, 0.25, 0.125], "float32")[:, None]
    places = ops.expand_dims(ops.cumsum(ops.ones_like(x[0, :, 0]), axis=0), 0)
    scores = scores + ops.multiply(slopes, places)[None, :, None]
    y = ops.einsum("bhtu,buhs->bths", ops.softmax(scores), parts[2])
    model = keras.Model(x, layers.Dense(2, name="out")(ops.reshape(y, (-1, 5, 8))))
    enliven(model, 0)
    assert tfprune.analyse(model).free("q").all()
    small = assert_exact(model, dict.fromkeys("qkv", np.repeat([False, True, False, True], 2)))
    assert small.get_layer("v").units == 4


def test_a_gate_of_every_head_goes_with_it():
    x = keras.Input((5, 3))
    heads = ops.reshape(named("heads", x, 8), (-1, 5, 4, 2))
    gate = ops.reshape(named("gate", x, 4), (-1, 5, 4, 1))
    model = keras.Model(x, named("out", ops.reshape(heads * ops.sigmoid(gate), (-1, 5, 8)), 2))
    enliven(model, 0)
    assert tfprune.analyse(model).groups["heads"] == ("gate",)
    mask = np.array([True, False, True, True])
    small = assert_exact(model, {"gate": mask, "heads": np.repeat(mask, 2)})
    assert small.get_layer("out").kernel.shape == (6, 2)


def test_a_scale_of_every_place_ties_no_heads_together():
    x = keras.Input((5, 3))
    heads = ops.reshape(named("heads", x, 8), (-1, 5, 4, 2))
    squares = ops.mean(ops.square(heads), axis=-1, keepdims=True)
    place = layers.Embedding(1, 2, name="scale")(ops.cast(ops.zeros_like(x[:, :1, 0]), "int32"))
    scaled = heads * ops.rsqrt(squares + 1e-3) * place[:, :, None]
    model = keras.Model(x, named("out", ops.reshape(scaled, (-1, 5, 8)), 2))
    enliven(model, 0)
    units = tfprune.analyse(model).units_of("heads").reshape(4, 2)
    assert len(np.unique(units)) == 4
    assert_exact(model, {"heads": np.repeat([True, False, True, True], 2)})


def test_heads_that_share_one_key_and_value_may_go_one_by_one():
    x = keras.Input((4, 3))
    query = ops.transpose(ops.reshape(named("q", x, 12), (-1, 4, 3, 4)), (0, 2, 1, 3))
    key, value = (ops.expand_dims(named(name, x, n), 1) for name, n in (("k", 4), ("v", 5)))
    scores = ops.softmax(ops.matmul(query, ops.swapaxes(key, -1, -2)))
    heads = ops.transpose(ops.matmul(scores, value), (0, 2, 1, 3))
    model = keras.Model(x, named("out", ops.reshape(heads, (-1, 4, 15)), 2))
    enliven(model, 0)
    graph = tfprune.analyse(model)
    assert len(set(graph.units_of("q").tolist())) == 3
    assert graph.free("q").all()
    assert not graph.free("k").any()
    assert not graph.free("v").any()
    keep = np.array([True, False, True])
    small = tfprune.rebuild(graph, {"q": np.repeat(keep, 4)})
    inputs = random_inputs(model, seed=0)
    out = model.get_layer("out")  # which reads what the heads found: five numbers of each
    out.kernel.assign(np.asarray(out.kernel) * np.repeat(keep, 5)[:, None])
    assert small.get_layer("out").kernel.shape == (10, 2)
    np.testing.assert_allclose(small(inputs), model(inputs), rtol=0, atol=1e-5)


def test_of_two_lines_that_a_product_crosses_the_first_may_go():
    x = keras.Input((4, 3))
    crossed = ops.einsum("btc,btd->bcd", named("c", x), named("d", x, 5))
    model = keras.Model(x, named("out", layers.Flatten()(crossed), 2))
    enliven(model, 0)
    graph = tfprune.analyse(model)
    assert graph.free("c").all()
    assert not graph.free("d").any()
    assert_exact(model, {"c": np.arange(6) % 3 != 1})


def test_heads_stay_where_the_other_operand_has_them_without_their_channels():
    x = keras.Input((4, 3))
    steps = layers.Permute((2, 1))(named("steps", layers.Permute((2, 1))(x), 4))
    query = layers.EinsumDense("abc,cde->abde", (4, 2, 3), name="q")(steps)
    key = ops.reshape(named("k", x, 6), (-1, 4, 2, 3))
    scores = ops.einsum("bths,buhs->bhtu", query, key)
    model = keras.Model(x, named("out", layers.Flatten()(scores), 2))
    graph = tfprune.analyse(model)
    assert not graph.free("k").any()
    assert not graph.free("steps").any()
