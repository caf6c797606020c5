"""The redundancy index against the worked example and its definition in loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfprune import PruningError
from tfprune.criteria.fmc.redundancy import redundancy

LABELS = np.array([
    [-1, 0, 0, 1, 1, 1, 2, 2],
    [-1, 2, 2, 0, 0, 0, 1, 1],
    [0, 1, 1, 2, 2, 0, 0, -1],
    [0, 0, 1, 2, 2, 2, 1, 1],
])  # fmt: skip
TERMS = {
    ("literal", 0, 1): [-1, 2, 2, 3, 3, 3, 2, 2],
    ("literal", 0, 2): [-1, 2, 2, 2, 2, 0, 1, 1],
    ("literal", 2, 3): [1, 1, 1, 2, 2, 1, 1, -1],
    ("literal", 3, 0): [-1, -1, 0, 3, 3, 3, 2, 2],
    ("label", 0, 2): [-1, 2, 2, 2, 2, 0, 1, 0],
    ("label", 3, 0): [0, 1, 0, 3, 3, 3, 2, 2],
    ("label", 2, 0): [0, 2, 2, 2, 2, 1, 1, -1],
}


def pair_terms(s, t, index):
    """What each filter gains from one ordered pair of images, set by set."""
    groups = sorted(set(s.tolist()))
    first = groups[0]
    theirs = groups
    if index == "label":
        theirs = sorted(set(t.tolist()) - {-1})
        first = -1
    parts = [{int(n) for n in np.flatnonzero(t == u)} for u in theirs]
    gains = [None] * len(s)
    for u in groups:
        own = {int(n) for n in np.flatnonzero(s == u)}
        most = max((len(own & part) for part in parts), default=0)
        reached = set().union(*(part for part in parts if len(own & part) == most))
        for n in own:
            gains[n] = -1 if u == first else (most if n in reached else 0)
    return gains


def naive(labels, index):
    pairs = [(s, t) for s in range(len(labels)) for t in range(len(labels)) if s != t]
    return sum(np.array(pair_terms(labels[s], labels[t], index)) for s, t in pairs)


@pytest.mark.parametrize(("index", "s", "t"), TERMS)
def test_the_terms_of_the_worked_example(index, s, t):
    assert pair_terms(LABELS[s], LABELS[t], index) == TERMS[index, s, t]
    both = np.array(TERMS[index, s, t]) + pair_terms(LABELS[t], LABELS[s], index)
    np.testing.assert_array_equal(redundancy(LABELS[[s, t]], index), both)


def test_the_worked_example():
    literal, label = redundancy(LABELS, "literal"), redundancy(LABELS)
    assert literal.tolist() == [-6, 12, 16, 30, 30, 21, 18, 11]
    assert np.argsort(literal, kind="stable").tolist() == [0, 7, 1, 2, 6, 5, 3, 4]
    assert label.tolist() == [-4, 18, 16, 30, 30, 21, 18, 9]
    assert np.argsort(label, kind="stable").tolist() == [0, 7, 2, 1, 6, 5, 3, 4]
    scaled = (label - label.min()) / np.ptp(label)
    expected = [0, 0.647059, 0.588235, 1, 1, 0.735294, 0.647059, 0.382353]
    np.testing.assert_allclose(scaled, expected, atol=5.1e-7)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.integers(2, 6), st.integers(1, 14), st.integers(-1, 6), st.integers(0, 10**6),
    st.sampled_from(["label", "literal"]),
)  # fmt: skip
def test_the_index_equals_naive_loops(images, filters, highest, seed, index):
    labels = np.random.default_rng(seed).integers(-1, highest + 1, (images, filters))
    np.testing.assert_array_equal(redundancy(labels, index), naive(labels, index))


def test_the_order_of_images_and_the_numbers_of_clusters_do_not_matter():
    labels = np.random.default_rng(0).integers(-1, 4, (5, 12))
    expected = redundancy(labels)
    np.testing.assert_array_equal(redundancy(labels[::-1]), expected)
    renamed = np.where(labels >= 0, np.array([7, 2, 9, 0])[labels], -1)
    np.testing.assert_array_equal(redundancy(renamed), expected)


@pytest.mark.parametrize(
    ("labels", "index", "message"),
    [
        (LABELS, "median", "Unknown redundancy index .*'median'.*label, literal"),
        (LABELS[:1], "label", r"at least 2 images, received shape \(1, 8\)"),
        (LABELS[0], "label", r"expected labels \[S, C\] .*received shape \(8,\)"),
    ],
)
def test_unknown_indices_and_labels_of_another_shape_are_refused(labels, index, message):
    with pytest.raises(PruningError, match=message):
        redundancy(labels, index)
