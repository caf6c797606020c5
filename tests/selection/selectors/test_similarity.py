"""Rounded similarities against Python's round, and matrices that are refused."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.selection.selectors.similarity import hundredths, redundant


def test_all_similarities_of_a_hundred_images_are_rounded_as_python_does():
    values = (np.arange(6401) / 6400).reshape(37, 173)  # of 100 hashes of 64 bits
    expected = [[round(round(float(value), 2) * 100) for value in row] for row in values]
    assert hundredths(values).tolist() == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 12), st.integers(0, 10**6), st.sampled_from([0.3, 0.5, 0.8]))
def test_the_walk_is_the_same_with_rounded_similarities_at_hand(size, seed, threshold):
    matrix = np.random.default_rng(seed).integers(0, 641, (size, size)) / 640
    matrix = np.maximum(matrix, matrix.T)
    own = redundant(matrix, threshold)
    np.testing.assert_array_equal(redundant(matrix, threshold, hundredths(matrix)), own)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"conv": np.ones((2, 2))}, r"'conv': expected 3x3 finite numbers, received float64\[2, 2"),
        ({"conv": np.ones(3)}, r"'conv': expected 3x3 finite numbers, received float64\[3\]"),
        ({"conv": np.full((3, 3), np.nan)}, "expected 3x3 finite numbers, .* 9 that are not"),
        ({"cnv": np.eye(3)}, "Unknown layer in scores 'cnv'.*mean 'conv'"),
    ],
)
def test_matrices_that_do_not_suit_are_refused(values, message):
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(2, 1, name="head")(layers.Conv2D(3, 1, name="conv")(image))
    graph = tfprune.analyse(keras.Model(image, x))
    scores = tfprune.Scores("similarity", values, selector="similarity")
    for amount in ({"threshold": 0.7}, {"macs": 0.5}):
        with pytest.raises(PruningError, match=message):
            tfprune.select(graph, scores, **amount)
