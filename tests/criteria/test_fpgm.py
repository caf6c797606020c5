"""The geometric median's distances against loops over pairs of filters."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tfprune
from tests.criteria.test_norms import filters, model
from tfprune.criteria.fpgm import distances


def naive_scores(rows):
    return [sum(np.sqrt(((a - b) ** 2).sum()) for b in rows) for a in rows]


def test_scores_equal_loops_over_pairs_for_every_kind_of_layer():
    net = model()
    scores = tfprune.score(tfprune.analyse(net), "fpgm", None)
    assert set(scores) == set(filters(net))
    for name, rows in filters(net).items():
        np.testing.assert_allclose(scores[name], naive_scores(rows), rtol=1e-6)


def test_the_filter_amid_the_others_goes_first():
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(5, name="hidden"),
                            keras.layers.Dense(1)])  # fmt: skip
    around = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1], [0.1, 0.1]])
    net.get_layer("hidden").set_weights([around.T, np.arange(5.0)])
    graph = tfprune.analyse(net)
    scores = tfprune.score(graph, "fpgm", None)
    np.testing.assert_allclose(scores["hidden"], naive_scores(around), rtol=1e-6)
    keep = tfprune.select(graph, scores, ratio=0.2)
    assert keep["hidden"].tolist() == [True] * 4 + [False]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 7), st.integers(1, 20), st.integers(0, 10**6), st.sampled_from([0, 10]))
def test_distances_equal_loops(count, size, seed, offset):
    rows = np.random.default_rng(seed).standard_normal((count, size)) + offset
    expected = [[np.linalg.norm(a - b) for b in rows] for a in rows]
    found = distances(rows)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(np.diag(found), 0)


def test_long_filters_are_taken_in_pieces(monkeypatch):
    rows = np.random.default_rng(0).standard_normal((4, 33))
    expected = distances(rows.copy())
    monkeypatch.setattr("tfprune.criteria.fpgm._PIECE", 20)
    np.testing.assert_allclose(distances(rows), expected, rtol=1e-12)


def test_equal_filters_keep_their_digits():
    """Differences of 1e-6 beside entries of 1000: the plain formula would lose them."""
    rows = np.full((3, 4), 1000.0)
    rows[1, 0] += 1e-6
    found = distances(rows)
    assert found[0, 2] == 0
    assert found[0, 1] == pytest.approx(1e-6, rel=1e-3)


def test_permuting_the_channels_permutes_the_scores():
    net = model()
    before = tfprune.score(tfprune.analyse(net), "fpgm", None)["conv"]
    order = np.array([3, 0, 4, 1, 2])
    conv = net.get_layer("conv")
    conv.set_weights([w[..., order] for w in conv.get_weights()])
    after = tfprune.score(tfprune.analyse(net), "fpgm", None)["conv"]
    np.testing.assert_allclose(after, before[order], rtol=1e-12)


def test_reading_filters_leaves_the_model_as_it_was():
    net = model()
    before = net.get_weights()
    tfprune.score(tfprune.analyse(net), "fpgm", None)
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_unknown_options_are_refused():
    with pytest.raises(tfprune.PruningError, match="Unknown option of criterion 'fpgm' 'norm'"):
        tfprune.score(tfprune.analyse(model()), "fpgm", None, norm=1)
