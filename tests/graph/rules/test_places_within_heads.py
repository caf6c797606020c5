"""Places within heads that are axes of their own: they go beside the heads, in all of them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.masks import random_masks
from tests.oracle import masked_outputs
from tests.property.growing import enliven
from tfprune.selection._budget import budget_of
from tfprune.selection.request import Request
from tfprune.surgery.masks import kept_ids

SIZES = {"query": 6, "key": 6, "value": 8}
WAYS = ("einsum", "matmul", "flat", "grouped")


def projection(name, heads, size, x):
    return layers.EinsumDense(
        "abc,cde->abde", output_shape=(5, heads, size), bias_axes="de", name=name
    )(x)


def net(way, between=lambda parts: parts):
    x = keras.Input((5, 12))
    heads = {name: 4 if name == "query" or way != "grouped" else 2 for name in SIZES}
    parts = {name: projection(name, heads[name], SIZES[name], x) for name in SIZES}
    q, k, v = between(parts).values()
    q = ops.multiply(q, 6**-0.5)
    if way == "grouped":
        q = ops.reshape(q, (-1, 5, 2, 2, 6))
        scores = ops.softmax(ops.einsum("btkgh,bskh->bkgts", q, k))
        y = ops.reshape(ops.einsum("bkgts,bskh->btkgh", scores, v), (-1, 5, 4, 8))
    elif way == "matmul":
        q, k, v = (ops.transpose(part, (0, 2, 1, 3)) for part in (q, k, v))
        scores = ops.softmax(ops.matmul(q, ops.swapaxes(k, -1, -2)))
        y = ops.transpose(ops.matmul(scores, v), (0, 2, 1, 3))
    else:
        scores = ops.softmax(ops.einsum("aecd,abcd->acbe", k, q))
        y = ops.einsum("acbe,aecd->abcd", scores, v)
    if way == "flat":
        y = layers.Dense(12, name="joined")(ops.reshape(y, (-1, 5, 32)))
    else:
        y = layers.EinsumDense("abcd,cde->abe", output_shape=(5, 12), bias_axes="e", name="joined")(
            y
        )
    model = keras.Model(x, layers.Dense(3, name="out")(x + y))
    enliven(model, 0)
    return model


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [0, 1])
def test_heads_and_places_go_side_by_side(way, seed):
    model = net(way)
    graph = tfprune.analyse(model)
    assert all(graph.free(f"{name}/size").all() for name in SIZES)
    assert graph.groups["query/size"] == ("key/size",)
    assert not graph.groups["value/size"]
    keep = random_masks(graph, 0.5, seed)
    assert not keep["value/size"].all()
    assert not keep["key/size"].all()
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    x = np.random.default_rng(0).normal(size=(3, 5, 12)).astype("float32")
    (wanted,) = masked_outputs(model, keep, x)
    np.testing.assert_allclose(small(x), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    again = tfprune.analyse(small)
    assert {name: again.channels(name) for name in keep} == {
        name: mask.sum() for name, mask in keep.items()
    }


@pytest.mark.parametrize("way", [*WAYS, "mixed"])
def test_costs_that_are_foreseen_are_those_of_the_result(way):
    graph = tfprune.analyse(net(way) if way != "mixed" else net("einsum", mixed))
    keep = random_masks(graph, 0.5, 2)
    cost = tfprune.cost(tfprune.rebuild(graph, keep))
    for amount in ("macs", "params"):
        budget = budget_of(graph, Request(**{amount: 0.5}))
        assert budget(kept_ids(graph, keep)) == getattr(cost, amount)
        assert budget.total == getattr(tfprune.cost(graph.model), amount)


def mixed(parts):
    """Values of each head that are mixed by one kernel, the same for all heads."""
    mix = layers.EinsumDense("abcd,de->abce", output_shape=(5, 4, 8), bias_axes="e", name="mix")
    return parts | {"value": mix(parts["value"])}


def test_places_wait_until_they_are_named():
    graph = tfprune.analyse(net("einsum"))
    scores = tfprune.score(graph, "l1", None)
    keep = tfprune.select(graph, scores, ratio=0.5)
    assert all(keep[f"{name}/size"].all() for name in SIZES)
    assert keep["query"].sum() == 2
    keep = tfprune.select(graph, scores, ratio=0.5, include="*/size")
    assert keep["query"].all()
    assert keep["value/size"].sum() == 4


def test_a_place_is_worth_what_its_kernel_is():
    model = net("einsum")
    scores = tfprune.score(tfprune.analyse(model), "l1", None)
    kernel = np.abs(model.get_layer("value").kernel).sum(axis=(0, 1))
    np.testing.assert_allclose(scores["value/size"], kernel, rtol=1e-5)


BETWEEN = {
    "Softmax takes whole heads": lambda x: ops.softmax(x, axis=-1),
    "LayerNormalization takes whole heads": layers.LayerNormalization(name="norm"),
    "Subtract takes whole heads": lambda x: x - ops.sum(x, axis=-1, keepdims=True) / 8,
    "PReLU takes whole heads": layers.PReLU(shared_axes=[1], name="slopes"),
    "Split takes whole heads": lambda x: ops.concatenate(ops.split(x, 2, axis=-1)[::-1], axis=-1),
}


@pytest.mark.parametrize("reason", BETWEEN)
def test_what_mixes_places_pins_them_and_not_the_heads(reason):
    def between(parts):
        return parts | {"value": BETWEEN[reason](parts["value"])}

    model = net("einsum", between)
    graph = tfprune.analyse(model)
    assert not graph.free("value/size").any()
    assert graph.pinned[graph.units_of("value/size")[0]].endswith(reason)
    assert graph.free("query/size").all()
    assert graph.free("value").all()
    keep = random_masks(graph, 0.5, 0)
    assert tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).proven


def test_pairs_that_an_order_makes_of_places_go_together():
    def between(parts):
        turned = ops.reshape(parts["value"], (-1, 5, 4, 4, 2))
        return parts | {"value": ops.reshape(turned, (-1, 5, 4, 8))}

    graph = tfprune.analyse(net("einsum", between))
    units = graph.units_of("value/size").reshape(4, 2)
    assert (units[:, :1] == units).all()
    assert len(np.unique(units)) == 4
    keep = random_masks(graph, 0.5, 3)
    assert tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).proven
