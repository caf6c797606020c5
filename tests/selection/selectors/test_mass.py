"""Cumulative mass against a loop, and the guards of FGP's selection."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.selection.selecting import choose, extremes


def graph_of(count):
    model = [keras.Input((2,)), layers.Dense(count, name="a"), layers.Dense(2, name="head")]
    return tfprune.analyse(keras.Sequential(model))


def kept(values, **amount):
    scores = tfprune.Scores("given", {"a": np.float64(values)}, "mass", comparable=False)
    return np.flatnonzero(tfprune.select(graph_of(len(values)), scores, **amount)["a"]).tolist()


def naive(values, share):
    """Channels from the best on until their sum reaches the share; of equals the later first."""
    order = sorted(range(len(values)), key=lambda c: (values[c], c), reverse=True)
    chosen, mass = [], 0.0
    for channel in order:
        chosen.append(channel)
        mass += values[channel]
        if mass >= share * sum(values) * (1 - 1e-12):
            return sorted(chosen)
    return sorted(chosen)


F1 = {
    "none": [0.0875, 0.24375, 0.0375],
    "layer": [0.2013888405, 0.2968749605, 0.0546874907],
    "channel": [0.4374994531, 0.3749998889, 0.3749995000],
}


@pytest.mark.parametrize(
    ("norm", "share", "expected"),
    [
        ("none", 0.8, [0, 1]), ("none", 0.6, [1]), ("layer", 0.8, [0, 1]), ("layer", 0.6, [0, 1]),
        ("channel", 0.8, [0, 1, 2]), ("channel", 0.6, [0, 1]),
    ],
)  # fmt: skip
def test_example_f1_by_mass(norm, share, expected):
    assert kept(F1[norm], threshold=share) == expected


@pytest.mark.parametrize(("k", "expected"), [(0.5, [0, 1]), (1 / 3, [1])])
def test_example_f1_by_count(k, expected):
    for norm in ("none", "layer"):
        assert kept(F1[norm], ratio=1 - k) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=12).filter(any),
    st.sampled_from([0.05, 0.3, 0.5, 0.8, 0.95, 1.0]),
)
def test_mass_agrees_with_a_loop(values, share):
    assert kept(values, threshold=share) == naive(values, share)


def test_a_layer_without_support_stays_whole_and_the_report_says_so():
    assert kept([0, 0, 0], threshold=0.8) == [0, 1, 2]
    graph = graph_of(3)
    scores = tfprune.Scores("given", {"a": np.zeros(3), "head": np.ones(2)}, "mass")
    keep, notes = choose(graph, scores, threshold=0.8)
    assert extremes(graph, scores, keep) == ["nothing is removed"]
    assert notes == ["without any support, so it stays whole: a"]


def two_layers(first):
    """Layer a of 3 channels with the given scores, and b of 4 with support."""
    x = image = keras.Input((2,))
    for name, width in (("a", 3), ("b", 4)):
        x = layers.Dense(width, name=name)(x)
    graph = tfprune.analyse(keras.Model(image, layers.Dense(2, name="head")(x)))
    values = {"a": np.float64(first), "b": np.array([4.0, 3, 2, 1])}
    return graph, tfprune.Scores("fgp", values, "mass", comparable=False)


@pytest.mark.parametrize(
    ("amount", "b"),
    [
        ({"ratio": 0.5}, 2),
        ({"ratio": 0.5, "scope": "global"}, 1),
        ({"macs": 0.7}, 2),
        ({"params": 0.66}, 2),
        ({"threshold": 0.7}, 2),
    ],
)
def test_no_amount_cuts_a_layer_without_support_by_position(amount, b):
    keep, notes = choose(*two_layers([0, 0, 0]), **amount)
    assert {name: int(keep[name].sum()) for name in "ab"} == {"a": 3, "b": b}
    assert notes == ["without any support, so it stays whole: a"]
    keep, notes = choose(*two_layers([0, 0, 0.1]), **amount)
    assert not keep["a"].all()
    assert notes == []


@pytest.mark.parametrize("amount", [{"ratios": {"a": 0.4}}, {"counts": {"a": 2}}])
def test_what_is_asked_for_by_name_goes_by_position_and_a_line_says_so(amount):
    keep, notes = choose(*two_layers([0, 0, 0]), **amount)
    assert keep["a"].tolist() == [False, True, True]
    assert notes == ["without any support, so it goes by position: a"]
    assert choose(*two_layers([0, 0, 0]), ratios={"b": 0.5})[1] == []


def test_in_steps_what_is_gone_of_a_layer_does_not_count_as_support():
    graph, scores = two_layers([-1e-6, 0, 0])  # as the second step of iterative sees a
    keep, notes = choose(graph, scores, ratio=0.5)
    assert keep["a"].all()
    assert notes == ["without any support, so it stays whole: a"]


def test_scores_below_zero_are_ranked_by_a_ratio():
    assert kept([-3, -1, -2, -4], ratio=0.5) == [1, 2]


@pytest.mark.parametrize("threshold", [0, -0.5, 1.5])
def test_a_share_out_of_range(threshold):
    with pytest.raises(PruningError, match=r"mass: expected threshold= in \(0, 1\].*received"):
        kept([1, 2], threshold=threshold)


def test_negative_scores_have_no_mass():
    with pytest.raises(PruningError, match="needs scores from 0 on; layer 'a' has -2"):
        kept([1, -2], threshold=0.5)
