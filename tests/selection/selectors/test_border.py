"""GFBS' cut: coupled channels at the border stay."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune.selection.selecting import choose


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


def chosen(graph, values, **options):
    scores = tfprune.Scores("gfbs", values, "border", "global")
    keep, notes = choose(graph, scores, **options)
    return {name: np.flatnonzero(~keep[name]).tolist() for name in values}, notes


def chain(**widths):
    x = image = keras.Input((2,))
    for name, width in widths.items():
        x = layers.Dense(width, name=name)(x)
    return tfprune.analyse(keras.Model(image, layers.Dense(2, name="head")(x)))


def test_what_a_layer_keeps_as_its_last_is_not_made_up_for():
    """N = 8, p = 0.25: A0 and A1 lie below the cut; A1 is the best of its layer."""
    values = {"A": np.array([1.0, 2]), "B": np.arange(3.0, 9)}
    found, notes = chosen(chain(A=2, B=6), values, ratio=0.25)
    assert found == {"A": [0], "B": []}
    assert notes == ["kept, since the cut would remove it whole: A"]
    ranking = tfprune.select(
        chain(A=2, B=6), tfprune.Scores("l1", values), ratio=0.25, scope="global"
    )
    assert np.flatnonzero(~ranking["B"]).tolist() == [0]  # the share that was asked for


def test_what_stays_for_other_reasons_is_not_made_up_for_either():
    values = {"A": np.arange(4.0), "B": np.arange(4.0, 10)}
    found, notes = chosen(chain(A=4, B=6), values, ratio=0.3, min_channels=2)
    assert found == {"A": [0, 1], "B": []}
    assert notes == ["kept in part, for min_channels, a split or a layer coupled to it: A"]
    assert chosen(chain(A=4, B=6), values, ratio=0.2, min_channels=2)[1] == []


def naive(values, shared, p):
    """Sort, cut, move the border, guard: entry by entry, as the definition says."""
    entries = [(float(v), name, c) for name in values for c, v in enumerate(values[name])]
    entries.sort(key=lambda entry: entry[0])
    entries.reverse()
    kept = int(len(entries) * (1 - p))
    while kept < len(entries) and entries[kept][1] in shared:
        kept += 1
    gone = {name: [] for name in values}
    for _, name, channel in entries[kept:]:
        gone[name].append(channel)  # from the best on
    vanish = [name for name in values if len(gone[name]) == len(values[name])]
    for name in vanish:
        gone[name] = gone[name][1:]
    return {name: sorted(channels) for name, channels in gone.items()}, vanish


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(0, 0.99), st.lists(st.booleans(), min_size=3, max_size=3))
def test_the_cut_agrees_with_the_definition_entry_by_entry(graph_of_three, seed, p, low):
    rng = np.random.default_rng(seed)
    # Some layers lie below all others, so that they would vanish; only own channels are equal.
    shared = rng.permutation(12)[:3] + 0.5 - 20 * low[0]
    c, d = (rng.integers(0, 12, n) - 20.0 * below for n, below in ((4, low[1]), (2, low[2])))
    values = {"a": shared, "b": shared, "c": c, "d": d}
    expected, vanish = naive(values, "ab", p)
    found, notes = chosen(graph_of_three, values, ratio=p)
    assert found == expected
    line = f"kept, since the cut would remove it whole: {', '.join(vanish)}"
    assert notes == ([line] if vanish else [])


@pytest.fixture(scope="module")
def graph_of_three():
    """Two coupled layers, a and b, and two alone, c and d."""
    x = keras.Input((3,))
    y = layers.Add()([layers.Dense(3, name=name)(x) for name in "ab"])
    y = layers.Dense(2, name="d")(layers.Dense(4, name="c")(y))
    return tfprune.analyse(keras.Model(x, layers.Dense(2, name="head")(y)))
