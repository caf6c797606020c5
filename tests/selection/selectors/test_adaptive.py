"""GFI-AP's threshold and rescue against a loop and its specification's numbers."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.selection.selecting import choose


def graph_of(**widths):
    x = image = keras.Input((2,))
    for name, width in widths.items():
        x = layers.Dense(width, name=name)(x)
    return tfprune.analyse(keras.Model(image, layers.Dense(2, name="head")(x)))


def removed(values, **options):
    graph = graph_of(**{name: len(value) for name, value in values.items()})
    given_scores = {name: np.float64(value) for name, value in values.items()}
    scores = tfprune.Scores("given", given_scores, "adaptive", "global")
    keep = tfprune.select(graph, scores, **options)
    return {name: np.flatnonzero(~keep[name]).tolist() for name in values}


def naive(values, p, cap):
    ascending = sorted(score for value in values.values() for score in value)
    threshold, share = ascending[int(p * len(ascending))], p + (1 - p) / 2
    gone = {}
    for name, value in values.items():
        low = [c for c in range(len(value)) if value[c] <= threshold]
        most = int(share * len(value))
        if len(low) == len(value) or (cap and len(low) > most):
            low = sorted(range(len(value)), key=lambda c: (value[c], c))[:most]
        gone[name] = sorted(low)
    return gone


C7 = {"A": [1.5, 1.375, 2.75, 1.5], "B": [1.388889, 1.777778, 2.666667]}
RESCUE = {"a": [0.1, 0.2, 0.3, 0.4], "b": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]}


@pytest.mark.parametrize(
    ("p", "a", "b"),
    [(0, [1], []), (0.3, [0, 1, 3], [0]), (0.5, [0, 1, 3], [0]), (0.8, [0, 1, 3], [0, 1])],
)
def test_example_c7(p, a, b):
    assert removed(C7, ratio=p) == {"A": a, "B": b}


@pytest.mark.parametrize(("p", "a", "b"), [(0.3, [0, 1], []), (0.45, [0, 1], [0])])
def test_a_layer_that_would_vanish_is_rescued(p, a, b):
    assert removed(RESCUE, ratio=p) == {"a": a, "b": b}
    assert removed(RESCUE, threshold=0.4 if p == 0.3 else 0.5)["a"] == a


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 20), min_size=2, max_size=9), min_size=2, max_size=4),
    st.floats(0, 0.99),
    st.booleans(),
)
def test_the_rule_agrees_with_a_loop(rows, p, cap):
    values = {f"l{i}": row for i, row in enumerate(rows)}
    assert removed(values, ratio=p, cap=cap) == naive(values, p, cap)


def test_the_cap_holds_every_layer():
    values = {"a": [1, 1, 1, 1, 9], "b": [5, 6, 7, 8, 9, 10]}
    assert removed(values, ratio=0.2) == {"a": [0, 1, 2, 3], "b": []}
    assert removed(values, ratio=0.2, cap=True) == {"a": [0, 1, 2], "b": []}


@pytest.mark.parametrize("amount", ["macs", "params"])
def test_a_target_is_hit_as_closely_as_any_share_does(amount):
    graph = graph_of(a=12, b=16, c=8)
    rng = np.random.default_rng(0)
    values = {name: rng.random(n) for name, n in (("a", 12), ("b", 16), ("c", 8))}
    scores = tfprune.Scores("given", values, "adaptive", "global")

    def share(keep):
        small = tfprune.rebuild(graph, keep)
        if amount == "macs":
            return tfprune.cost(small).macs / tfprune.cost(graph.model).macs
        return small.count_params() / graph.model.count_params()

    found = abs(share(tfprune.select(graph, scores, **{amount: 0.5})) - 0.5)
    by_hand = min(abs(share(tfprune.select(graph, scores, ratio=p / 36)) - 0.5) for p in range(36))
    assert found <= by_hand + 1e-3  # a model's parameters also count what no channel carries


def test_every_threshold_is_tried_for_a_target():
    widths = {"a": 20, "b": 29}  # 49 scores, since int(29 / 49 * 49) is 28
    graph, order = graph_of(**widths), np.random.default_rng(0).permutation(np.arange(49.0))
    values = {"a": order[:20], "b": order[20:]}
    scores = tfprune.Scores("given", values, "adaptive", "global")

    def macs(**amount):
        a, b = (int(tfprune.select(graph, scores, **amount)[name].sum()) for name in "ab")
        return 2 * a + a * b + b * 2

    for threshold in range(49):
        wanted = macs(threshold=threshold)
        assert macs(macs=wanted / (2 * 20 + 20 * 29 + 29 * 2)) == wanted, threshold
    assert wanted == 2 + 1 + 2  # the highest threshold leaves one filter of each layer


@pytest.mark.parametrize(
    ("values", "amount", "expected"),
    [
        (RESCUE, {"ratio": 0.45}, "a loses 2 of 4"),
        (C7, {"ratio": 0.8}, "B loses 2 of 3"),
        (RESCUE, {"threshold": 0.5}, "a loses 2 of 4"),
        (C7, {"ratio": 0.3}, None),
        (RESCUE, {"ratios": {"a": 0.5, "b": 0.5}}, None),
    ],
)
def test_a_line_of_the_report_names_the_rescued_layer(values, amount, expected):
    graph = graph_of(**{name: len(value) for name, value in values.items()})
    given_scores = {name: np.float64(value) for name, value in values.items()}
    scores = tfprune.Scores("given", given_scores, "adaptive", "global")
    _, notes = choose(graph, scores, **amount)
    line = "rescued, since the threshold would remove it whole: "
    assert notes == ([line + expected] if expected else [])


def test_with_a_scope_of_layers_it_is_a_ranking():
    values = {"a": [1, 2, 3, 4], "b": [10, 20, 30, 40]}
    assert removed(values, ratio=0.5, scope="layer") == {"a": [0, 1], "b": [0, 1]}
    for options in ({"ratio": 0.5, "scope": "layer"}, {"counts": {"a": 2}}):
        with pytest.raises(PruningError, match="cap has no effect on .* per layer"):
            removed(values, **options, cap=True)


def test_amounts_out_of_range_or_out_of_reach_are_refused():
    with pytest.raises(PruningError, match=r"ratio must lie in \[0, 1\)"):
        removed(C7, ratio=1.0)
    with pytest.raises(PruningError, match="macs=0.01 .*with all that may go removed, 0.*coupled"):
        removed(C7, macs=0.01)
