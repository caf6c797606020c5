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
WAYS = ("einsum", "matmul", "flat", "grouped", "dense", "dense einsum", "dense grouped")


def projection(name, heads, size, x, *, dense=False):
    if dense:
        return ops.reshape(layers.Dense(heads * size, name=name)(x), (-1, 5, heads, size))
    return layers.EinsumDense(
        "abc,cde->abde", output_shape=(5, heads, size), bias_axes="de", name=name
    )(x)


def net(way, between=lambda parts: parts):
    x = keras.Input((5, 12))
    dense, grouped = "dense" in way, "grouped" in way
    heads = {name: 4 if name == "query" or not grouped else 2 for name in SIZES}
    parts = {name: projection(name, heads[name], SIZES[name], x, dense=dense) for name in SIZES}
    q, k, v = between(parts).values()
    q = ops.multiply(q, 6**-0.5)
    if grouped:
        q = ops.reshape(q, (-1, 5, 2, 2, 6))
        scores = ops.softmax(ops.einsum("btkgh,bskh->bkgts", q, k))
        y = ops.reshape(ops.einsum("bkgts,bskh->btkgh", scores, v), (-1, 5, 4, 8))
    elif way in ("matmul", "dense"):
        q, k, v = (ops.transpose(part, (0, 2, 1, 3)) for part in (q, k, v))
        scores = ops.softmax(ops.matmul(q, ops.swapaxes(k, -1, -2)))
        y = ops.transpose(ops.matmul(scores, v), (0, 2, 1, 3))
    else:
        scores = ops.softmax(ops.einsum("aecd,abcd->acbe", k, q))
        y = ops.einsum("acbe,aecd->abcd", scores, v)
    if way == "flat" or dense:
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
    kept = kept_ids(graph, keep)
    assert {name: again.channels(name) for name in again.producers} == {
        name: kept[graph.producers[name]].sum() for name in again.producers
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


def alike():
    """Return the same attention twice: heads made by EinsumDense, and by Dense and a reshape."""
    einsum, dense = net("flat"), net("dense einsum")
    for layer in einsum.layers[1:]:  # behind the input
        for own, given in zip(dense.get_layer(layer.name).weights, layer.weights, strict=True):
            own.assign(np.reshape(given, own.shape))
    return einsum, dense


@pytest.mark.parametrize("criterion", ["l1", "fpgm", "group_l2", "taylor", "obs"])
def test_places_are_worth_the_same_however_heads_are_written(criterion):
    images = np.random.default_rng(0).normal(size=(16, 5, 12)).astype("float32")
    data = images if criterion == "obs" else (images, np.zeros((16, 5, 3), "float32"))
    options = {"loss": "mse"} if criterion == "taylor" else {}
    wanted, found = (
        tfprune.score(tfprune.analyse(model), criterion, data, **options) for model in alike()
    )
    inside = [name for name in wanted if "/" in name]
    assert "value/size" in inside
    for name in inside:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, err_msg=name)


def test_amounts_of_places_are_measured_however_heads_are_written():
    images = np.random.default_rng(0).normal(size=(60, 5, 12)).astype("float32")
    graph = tfprune.analyse(net("dense"))
    keep = tfprune.sensitivity(graph, images, include="*/size").keep(params=0.7)
    assert not all(keep[f"{name}/size"].all() for name in SIZES)
    assert tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).proven


def fused(x, axis):
    """Return queries, keys and values [b, t, heads, size] of one Dense layer."""
    shape = [4, 6]
    shape.insert(axis, 3)
    y = ops.reshape(layers.Dense(72, name="fused")(x), (-1, 5, *shape))
    return [ops.squeeze(part, axis + 2) for part in ops.split(y, 3, axis=axis + 2)]


@pytest.mark.parametrize("axis", [0, 1])
def test_places_of_a_fused_layer_may_go(axis):
    x = keras.Input((5, 12))
    q, k, v = fused(x, axis)
    scores = ops.softmax(ops.einsum("aecd,abcd->acbe", k, q))
    y = ops.reshape(ops.einsum("acbe,aecd->abcd", scores, v), (-1, 5, 24))
    model = keras.Model(x, layers.Dense(3, name="out")(y))
    enliven(model, 0)
    graph = tfprune.analyse(model)
    assert graph.free("fused/size").all()
    assert tfprune.select(graph, tfprune.score(graph, "l1"), ratio=0.5)["fused/size"].all()
    keep = random_masks(graph, 0.5, 1)
    assert not keep["fused/size"].all()
    assert tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).proven


def test_places_that_meet_what_has_no_heads_stay():
    x = keras.Input((5, 12))
    q, k, v = (projection(name, 2, 6, x, dense=True) for name in SIZES)
    stream = layers.Dense(12, name="stream")(x)
    q = q + ops.reshape(stream, (-1, 5, 2, 6))
    scores = ops.softmax(ops.einsum("aecd,abcd->acbe", k, q))
    y = ops.reshape(ops.einsum("acbe,aecd->abcd", scores, v), (-1, 5, 12))
    model = keras.Model(x, layers.Dense(3, name="out")(ops.concatenate([y, stream], -1)))
    graph = tfprune.analyse(model)
    pinned = graph.pinned[graph.units_of("query/size")[0]]
    assert pinned == "places within heads meet what has no heads"
    assert graph.free("value/size").all()
    assert graph.free("query").all()
    keep = random_masks(graph, 0.5, 1)
    assert tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).proven
