"""GFBS' cut: coupled channels at the border stay."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune


@pytest.fixture(scope="module")
def graph():
    """Two coupled layers, a and b, and one alone, c."""
    x = keras.Input((3,))
    branches = [layers.Dense(3, name=name)(x) for name in "ab"]
    y = layers.Dense(4, name="c")(layers.Add()(branches))
    return tfprune.analyse(keras.Model(x, layers.Dense(2, name="head")(y)))


def removed(graph, selector, shared, own, ratio):
    scores = tfprune.Scores("given", {"a": shared, "b": shared, "c": own}, selector, "global")
    keep = tfprune.select(graph, scores, ratio=ratio)
    return {name: np.flatnonzero(~keep[name]).tolist() for name in "abc"}


# N = 3 + 3 + 4 = 10; shared channels count twice.
@pytest.mark.parametrize(
    ("ratio", "ranking", "border"),
    [
        (0.3, ([0], [0]), ([], [0])),  # ascending c0 s0 s0: the cut falls on s0, which is kept
        (0.4, ([0], [0, 1]), ([0], [0, 1])),  # c0 s0 s0 c1: the best to go is alone, it stays so
        (0.6, ([0, 1], [0, 1]), ([0], [0, 1])),  # c0 s0 s0 c1 s1 s1
    ],
)
def test_the_cut_moves_down_to_a_channel_of_a_layer_s_own(graph, ratio, ranking, border):
    shared, own = np.array([2.0, 4.0, 9.0]), np.array([1.0, 3.0, 7.0, 8.0])
    for selector, (gone, alone) in (("ranking", ranking), ("border", border)):
        found = removed(graph, selector, shared, own, ratio)
        assert found == {"a": gone, "b": gone, "c": alone}, selector


def test_other_amounts_and_scopes_are_those_of_a_ranking(graph):
    values = {"a": np.arange(3.0), "b": np.arange(3.0), "c": np.arange(4.0)}
    for options in ({"ratio": 0.4, "scope": "layer"}, {"macs": 0.5}, {"threshold": 1.5}):
        masks = [
            tfprune.select(graph, tfprune.Scores("given", values, selector, "global"), **options)
            for selector in ("ranking", "border")
        ]
        for name in values:
            np.testing.assert_array_equal(*(keep[name] for keep in masks))
