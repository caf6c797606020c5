"""Heads of attention: whole heads are units, however the attention is written."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.graph.opening import nets
from tests.masks import random_masks
from tests.property.checking import check

HEADS = {  # the layers of each of the ViT's attentions, and the channels that a head has there
    "stock": {"blocks.0.attention.attention/heads": [0, 1, 2, 3]},
    "dense": {
        f"blocks.1.attention.{name}": np.repeat(range(4), 3) for name in ("query", "key", "value")
    },
    "grouped": {
        "blocks.2.attention.query": [0, 0, 1, 1],
        "blocks.2.attention.key": [0, 1],
        "blocks.2.attention.value": [0, 1],
    },
}


@pytest.fixture(scope="module")
def graph():
    return tfprune.analyse(nets.built(nets.ViT))


@pytest.mark.parametrize("kind", HEADS)
def test_whole_heads_are_units(graph, kind):
    places = HEADS[kind]
    units = {}
    for name, heads in places.items():
        assert graph.free(name).all()
        for head, unit in zip(heads, graph.units_of(name), strict=True):
            assert units.setdefault(head, unit) == unit
    assert len(set(units.values())) == len(units)


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_that_goes_is_one_that_answers_nothing(graph, kind):
    places = HEADS[kind]
    keep = {name: np.array(heads) != 1 for name, heads in places.items()}
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    x = np.random.default_rng(0).normal(size=(3, 16, 16, 3)).astype("float32")
    reference = tfprune.open_up(nets.built(nets.ViT))
    out = reference.get_layer(next(iter(places)).replace("/heads", ""))
    if kind == "stock":
        kernel, rows = out._output_dense.kernel, [1]
    elif kind == "dense":
        kernel, rows = reference.get_layer("blocks.1.attention.out").kernel, [3, 4, 5]
    else:
        kernel, rows = reference.get_layer("blocks.2.attention.out").kernel, [2, 3]
    value = np.array(kernel)
    value[rows] = 0
    kernel.assign(value)
    np.testing.assert_allclose(small(x), reference(x), rtol=1e-4, atol=1e-5)


def test_half_of_a_transformer_without_options(graph):
    small, report = tfprune.prune(graph.model, None, method="l1", ratio=0.5)
    assert report.verification.proven
    assert small.get_layer("blocks.0.attention.attention").num_heads == 2
    assert small.get_layer("blocks.1.attention.query").units == 6
    assert small.get_layer("blocks.2.attention.query").output.shape == (None, 17, 2, 3)
    assert small.get_layer("blocks.1.mlp.dense").units == 12


def test_a_head_is_worth_what_its_channels_are(graph):
    scores = tfprune.score(graph, "l1", None)
    attention = graph.model.get_layer("blocks.0.attention.attention")
    parts = (attention._query_dense, attention._key_dense, attention._value_dense)
    expected = sum(np.abs(np.array(part.kernel)).sum(axis=(0, 2)) for part in parts)
    received = scores["blocks.0.attention.attention/heads"]
    np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_targets_of_macs_count_the_products_of_attention(graph):
    small, _ = tfprune.prune(graph.model, None, method="l1", macs=0.6)
    share = tfprune.cost(small).macs / tfprune.cost(graph.model).macs
    assert 0.5 < share <= 0.6


def test_the_products_of_written_attention_are_counted():
    x = keras.Input((5, 8))
    query, key, value = (layers.Dense(6, name=name)(x) for name in "qkv")
    heads = [ops.reshape(y, (-1, 5, 2, 3)) for y in (query, key, value)]
    scores = ops.einsum("bqhs,bkhs->bhqk", heads[0], heads[1])
    y = ops.einsum("bhqk,bkhs->bqhs", ops.softmax(scores), heads[2])
    model = keras.Model(x, layers.Dense(4)(ops.reshape(y, (-1, 5, 6))))
    written = tfprune.cost(model).macs
    stock = layers.MultiHeadAttention(2, 3, output_shape=4)(x, x)
    assert written == tfprune.cost(keras.Model(x, stock)).macs


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("bi,bj->bij", ((4,), (4,))),  # channels crossed with channels
        ("bij,bij->bi", ((3, 4), (3, 4))),
        ("bij,bkj->bik", ((3, 4), (2, 4))),
        ("bij,bjk->bik", ((3, 4), (4, 5))),
        ("bi,bi->b", ((4,), (4,))),
        ("bij,bj->bi", ((3, 4), (4,))),
        ("bij,bi->bij", ((4, 3), (4,))),
    ],
)
def test_products_equal_the_masked_ones_whatever_the_equation(equation, shapes):
    a, b = keras.Input((6,)), keras.Input((5,))
    left, right = (
        layers.Reshape(shape)(layers.Dense(int(np.prod(shape)), name=name)(x))
        for x, shape, name in zip((a, b), shapes, "lr", strict=True)
    )
    y = ops.einsum(equation, left, right)
    y = layers.Dense(2)(layers.Flatten()(ops.reshape(y, (-1, 1)) if len(y.shape) == 1 else y))
    graph = tfprune.analyse(keras.Model([a, b], y))
    for seed in range(4):
        keep = random_masks(graph, 0.4, seed)
        assert tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).exact


class OverPixels(layers.Layer):
    """Attention of every pixel to every other, their places in capitals, as diffusion models do."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.query, self.key, self.value = (layers.Dense(6) for _ in range(3))

    def call(self, x):
        batch, height, width = ops.shape(x)[:3]
        scores = ops.einsum("bhwc,bHWc->bhwHW", self.query(x), self.key(x))
        shares = ops.softmax(ops.reshape(scores, (batch, height, width, height * width)))
        shares = ops.reshape(shares, (batch, height, width, height, width))
        return ops.einsum("bhwHW,bHWc->bhwc", shares, self.value(x))


def test_axes_may_be_named_by_capitals(tmp_path):
    image = keras.Input((4, 4, 3))
    model = nets.enlivened(keras.Model(image, layers.Conv2D(2, 1)(OverPixels(name="mid")(image))))
    graph = tfprune.analyse(model)
    assert graph.free("mid.query").all()
    assert graph.free("mid.value").all()
    check(graph.model, 0.5, 0, tmp_path / "small.keras")
