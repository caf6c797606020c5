"""Sizes of heads: the same places go in every head, and scores keep their scale."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.masks import random_masks
from tests.oracle import masked_outputs
from tests.property.growing import enliven
from tfprune.errors import PruningError

PRODUCTS = 5 * 5
NETS = {
    "one size": lambda: layers.MultiHeadAttention(4, 6, name="attention"),
    "two sizes": lambda: layers.MultiHeadAttention(4, 6, 8, use_bias=False, name="attention"),
    "dropped": lambda: layers.MultiHeadAttention(4, 6, dropout=0.1, name="attention"),
    "grouped": lambda: layers.GroupQueryAttention(6, 4, 2, name="attention"),
}


def net(kind):
    x = keras.Input((5, 12))
    y = layers.Dense(3, name="out")(x + NETS[kind]()(x, x))
    model = keras.Model(x, y)
    enliven(model, 0)
    return model


@pytest.mark.parametrize("kind", NETS)
def test_heads_of_a_smaller_size_are_the_masked_ones(kind, tmp_path):
    model = net(kind)
    graph = tfprune.analyse(model)
    assert all(graph.free(name).all() for name in graph.producers if "/" in name)
    keep = random_masks(graph, 0.5, seed=3)
    inside = [name for name in keep if "/" in name]
    assert not any(keep[name].all() for name in inside if "dim" in name)
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    x = np.random.default_rng(0).normal(size=(3, 5, 12)).astype("float32")
    (wanted,) = masked_outputs(model, keep, x)
    np.testing.assert_allclose(small(x), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")
    np.testing.assert_array_equal(again(x), small(x))
    found = tfprune.analyse(again)
    assert {name: found.channels(name) for name in inside} == {
        name: keep[name].sum() for name in inside
    }


def test_scores_of_smaller_queries_keep_their_scale():
    model = net("one size")
    keep = {"attention/key_dim": np.arange(6) < 3}
    small = tfprune.rebuild(tfprune.analyse(model), keep).get_layer("attention")
    old = model.get_layer("attention")
    for received, whole in zip(small._query_dense.weights, old._query_dense.weights, strict=True):
        np.testing.assert_allclose(received, whole.numpy()[..., :3] * 0.5**0.5, rtol=1e-6)
    for received, whole in zip(small._key_dense.weights, old._key_dense.weights, strict=True):
        np.testing.assert_array_equal(received, whole.numpy()[..., :3])


def test_a_place_is_worth_what_it_makes():
    model = net("two sizes")
    scores = tfprune.score(tfprune.analyse(model), "l1", None)
    kernel = np.abs(model.get_layer("attention")._value_dense.kernel)
    np.testing.assert_allclose(scores["attention/value_dim"], kernel.sum((0, 1)), rtol=1e-5)


def test_sizes_go_only_where_they_are_named():
    graph = tfprune.analyse(net("two sizes"))
    scores = tfprune.score(graph, "l1", None)

    def left(**options):
        keep = tfprune.select(graph, scores, **options)
        return [int(keep[f"attention/{name}"].sum()) for name in ("heads", "key_dim", "value_dim")]

    assert left(ratio=0.5) == [2, 6, 8]
    assert left(ratio=0.5, include="*") == [2, 3, 4]
    assert left(ratio=0.5, include="*value_dim") == [4, 6, 4]
    assert left(ratios={"attention/key_dim": 0.5}) == [4, 3, 8]
    assert left(counts={"attention/value_dim": 3}) == [4, 6, 3]
    with pytest.raises(PruningError, match="Unknown layer in ratios"):
        left(ratios={"attention/size": 0.5})


def test_multiplications_follow_the_sizes():
    model = net("two sizes")
    graph = tfprune.analyse(model)
    keep = {"attention/key_dim": np.arange(6) < 2, "attention/value_dim": np.arange(8) < 5}

    def macs(key, value):
        return 5 * 12 * 4 * 2 * (key + value) + PRODUCTS * 4 * (key + value) + 5 * 12 * 3

    assert tfprune.cost(model).macs == macs(6, 8)
    small = tfprune.rebuild(graph, keep)
    assert tfprune.cost(small).macs == macs(2, 5)
    wanted = macs(3, 4) / macs(6, 8)
    scores = tfprune.score(graph, "random", None, seed=0)
    keep = tfprune.select(graph, scores, macs=wanted, include=["*_dim"])
    assert tfprune.cost(tfprune.rebuild(graph, keep)).macs <= 1.05 * macs(3, 4)
