"""One score for coupled channels: every way against a loop over channels, and what is refused."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.graph.coupling import combine, leaders


def block():
    """stem ─┬─ conv1 ─ conv2 ─(+)─ head: stem and conv2 are coupled, conv1 is alone."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, name="stem")(image)
    y = layers.Conv2D(5, 1, name="conv1")(x)
    y = layers.Conv2D(4, 1, name="conv2")(y)
    x = layers.GlobalAveragePooling2D()(layers.Add()([y, x]))
    return tfprune.analyse(keras.Model(image, layers.Dense(2, name="head")(x)))


OWN = {
    "conv2": np.array([4.0, 0.0, 1.0, 3.0]),
    "conv1": np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
    "stem": np.array([0.0, 1.0, 0.5, 2.5]),
}


@pytest.mark.parametrize(
    ("how", "shares", "expected"),
    [
        ("mean", False, [2.0, 0.5, 0.75, 2.75]),
        ("sum", False, [4.0, 1.0, 1.5, 5.5]),
        ("leader", False, [0.0, 1.0, 0.5, 2.5]),
        ("mean", True, [0.25, 0.125, 0.125, 0.5]),
        ("sum", True, [0.5, 0.25, 0.25, 1.0]),
    ],
)
def test_coupled_layers_get_equal_scores_and_others_keep_theirs(how, shares, expected):
    found = combine(block(), OWN, how, shares=shares)
    assert list(found) == list(OWN)
    np.testing.assert_allclose(found["stem"], expected, rtol=1e-12)
    np.testing.assert_array_equal(found["conv2"], found["stem"])
    np.testing.assert_array_equal(found["conv1"], OWN["conv1"])


def test_pinned_layers_are_not_scored_and_stay_whole():
    graph = block()
    found = combine(graph, OWN, "pin")
    assert list(found) == ["conv1"]
    keep = tfprune.select(graph, found, ratio=0.5)
    assert keep["stem"].all()
    assert keep["conv2"].all()
    assert keep["conv1"].sum() == 3


def test_the_leader_stands_nearest_to_the_input():
    graph = block()
    assert set(leaders(graph, OWN).values()) == {"stem", "conv1"}
    assert combine(graph, {"conv2": OWN["conv2"]}, "leader")["conv2"].tolist() == [4, 0, 1, 3]


@pytest.mark.parametrize("how", ["pin", "leader", "mean", "sum"])
def test_channels_of_one_layer_that_go_together_are_left_to_the_selection(how):
    image = keras.Input((4, 4, 4))
    x = layers.Conv2D(4, 1, name="mix")(image)
    x = layers.Conv2D(4, 3, groups=2, name="grouped")(x)  # ties channels 0 and 2 of `mix`, 1 and 3
    graph = tfprune.analyse(keras.Model(image, layers.Conv2D(2, 1)(x)))
    own = {"mix": np.array([1.0, 2.0, 3.5, 0.0])}
    first, second, third, fourth = graph.units_of("mix")
    assert first == third != second == fourth
    found = combine(graph, own, how)
    np.testing.assert_array_equal(found["mix"], own["mix"])
    keep = tfprune.select(graph, found, ratio=0.5)  # 1 + 3.5 against 2 + 0
    assert keep["mix"].tolist() == [True, False, True, False]


@pytest.mark.parametrize("criterion", ["l1", "random"])
def test_score_combines_and_remembers_nothing_else(criterion):
    graph = block()
    by_default = tfprune.score(graph, criterion, None)
    mean = tfprune.score(graph, criterion, None, coupled="mean")
    leader = tfprune.score(graph, criterion, None, coupled="leader")
    np.testing.assert_array_equal(by_default["stem"], mean["stem"])
    np.testing.assert_array_equal(leader["conv2"], leader["stem"])
    assert not np.allclose(leader["stem"], mean["stem"])
    assert "stem" not in tfprune.score(graph, criterion, None, coupled="pin")


def test_prune_hands_the_way_on():
    model = block().model
    small, report = tfprune.prune(model, None, method="l1", ratio=0.5, coupled="pin")
    assert small.get_layer("stem").filters == 4
    assert small.get_layer("conv1").filters == 3
    assert report.keep["conv2"].all()


def test_unknown_ways_and_those_that_leave_nothing_are_refused():
    graph = block()
    with pytest.raises(PruningError, match="Unknown way for coupled layers.*'men'.*'mean'.*sum"):
        tfprune.score(graph, "l1", None, coupled="men")
    with pytest.raises(PruningError, match="coupled='pin' leaves nothing to prune: all 2 scored"):
        combine(graph, {name: OWN[name] for name in ("stem", "conv2")}, "pin")
    images = np.zeros((2, 4, 4, 3), "float32")
    with pytest.raises(PruningError, match="similarity: coupled='sum' is not defined.*'leader'"):
        tfprune.score(graph, "similarity", images, coupled="sum")
