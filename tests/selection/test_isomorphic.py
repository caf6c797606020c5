"""scope="isomorphic": units compete with those that are built alike, and with no others."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.selection._structures import shares_below, structures


def blocks(widths=(4, 6), stream=8):
    """Image -> stem(8), then per width w: y = inner(w) -> back(8), x = x + y; head(2)."""
    x = layers.Conv2D(stream, 1, name="stem")(keras.Input((4, 4, 3), name="image"))
    image = x._keras_history.operation.input
    for number, width in enumerate(widths):
        y = layers.Conv2D(width, 3, padding="same", name=f"inner{number}")(x)
        y = layers.Conv2D(stream, 1, name=f"back{number}")(layers.ReLU()(y))
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling2D()(x)
    return tfprune.analyse(keras.Model(image, layers.Dense(2, name="head")(x)))


def kinds(graph, layer):
    return set(structures(graph)[graph.units_of(layer)].tolist())


def test_inner_layers_are_alike_whatever_their_width_and_streams_are_not():
    graph = blocks()
    assert kinds(graph, "inner0") == kinds(graph, "inner1")
    assert kinds(graph, "stem") == kinds(graph, "back0") == kinds(graph, "back1")
    assert kinds(graph, "stem") != kinds(graph, "inner0")


def test_streams_of_as_many_blocks_are_alike():
    image = keras.Input((4,))
    heads = []
    for name in "ab":
        x = layers.Dense(5, name=f"{name}0")(image)
        x = layers.Add()([x, layers.Dense(5, name=f"{name}1")(x)])
        heads.append(layers.Dense(2)(x))
    graph = tfprune.analyse(keras.Model(image, heads))
    assert kinds(graph, "a0") == kinds(graph, "b0") == kinds(graph, "b1")


def test_a_channel_that_is_read_twice_as_often_is_built_differently():
    image = keras.Input((4,))
    x = layers.Dense(4, name="x")(image)
    outputs = [layers.Dense(2)(x), layers.Dense(2)(x[:, :2])]
    graph = tfprune.analyse(keras.Model(image, outputs))
    found = structures(graph)[graph.units_of("x")]
    assert found[0] == found[1] != found[2] == found[3]


def naive(graph, scores, ratio):
    """{layer: keep}: a loop over sets, whose units go one by one, lowest first."""
    keep = {name: np.ones(graph.channels(name), bool) for name in graph.producers}
    for members in (["inner0", "inner1"], ["stem"]):
        pool = sorted(
            (scores[name][c], name, c) for name in members for c in range(len(keep[name]))
        )
        for _, name, c in pool[: int(ratio * len(pool) + 1e-9)]:
            keep[name][c] = False
    keep["back0"] = keep["back1"] = keep["stem"]
    return keep


@pytest.mark.parametrize("ratio", [0.125, 0.25, 0.5])
def test_every_set_loses_the_same_share_lowest_first(ratio):
    graph = blocks(widths=(6, 10), stream=8)
    rng = np.random.default_rng(0)
    values = {name: rng.random(graph.channels(name)) for name in graph.producers}
    values["stem"] = values["back0"] = values["back1"] = 100 + values["stem"]  # far above the rest
    keep = tfprune.select(graph, values, ratio=ratio, scope="isomorphic")
    for name, mask in naive(graph, values, ratio).items():
        np.testing.assert_array_equal(keep[name], mask, err_msg=name)


def test_raising_a_whole_set_changes_nothing_and_raising_one_layer_of_it_does():
    graph = blocks(widths=(6, 10))
    scores = tfprune.Scores("own", dict(tfprune.score(graph, "random", None)))
    before = tfprune.select(graph, scores, macs=0.5, scope="isomorphic")
    streams = ("stem", "back0", "back1")
    raised = {name: value + 9 * (name in streams) for name, value in scores.items()}
    after = tfprune.select(graph, tfprune.Scores("own", raised), macs=0.5, scope="isomorphic")
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    raised = {name: value + 9 * (name == "inner0") for name, value in scores.items()}
    after = tfprune.select(graph, tfprune.Scores("own", raised), macs=0.5, scope="isomorphic")
    assert after["inner0"].sum() > before["inner0"].sum()
    assert after["inner1"].sum() < before["inner1"].sum()


def test_a_target_is_hit():
    graph = blocks(widths=(16, 24), stream=16)
    scores = tfprune.score(graph, "l1", None)
    keep = tfprune.select(graph, scores, macs=0.5, scope="isomorphic")
    before, after = tfprune.cost(graph.model), tfprune.cost(tfprune.rebuild(graph, keep))
    assert after.macs / before.macs == pytest.approx(0.5, abs=0.03)


def test_shares_weigh_units_by_their_channels():
    found = shares_below(np.array([1.0, 2.0, 3.0]), np.array([2, 1, 1]), np.zeros(3, int))
    np.testing.assert_array_equal(found, [0.5, 0.75, 1.0])


@pytest.mark.parametrize("selector", ["ranking", "border", "adaptive", "mass"])
def test_every_selector_that_ranks_takes_it(selector):
    graph = blocks(widths=(8, 8))
    values = dict(tfprune.score(graph, "random", None))
    values["inner0"] = values["inner0"] + 1
    scores = tfprune.Scores("own", values, selector)
    keep = tfprune.select(graph, scores, ratio=0.25, scope="isomorphic")
    assert keep["inner0"].all()
    assert 3 <= (~keep["inner1"]).sum() <= 5
    assert 1 <= (~keep["stem"]).sum() <= 3
