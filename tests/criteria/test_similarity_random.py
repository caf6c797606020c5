"""The similarity graph on random maps: similarities and choices equal naive loops exactly."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import Input, Model, layers
from scipy.fft import dct

import tfprune
from tests.criteria.test_similarity import naive_walk


def graph_of(height, width, channels):
    """A convolution that hands its input on, so that its maps are whatever is fed."""
    image = Input((height, width, channels))
    conv = layers.Conv2D(channels, 1, name="conv", use_bias=False)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(conv(image)))
    conv.set_weights([np.eye(channels)[None, None]])
    return tfprune.analyse(Model(image, layers.Dense(2, name="head")(x)))


def naive(maps):
    """Every pair of every image hashed anew; equal bits are counted as whole numbers."""

    def bits(plane):
        low = dct(dct(np.float64(plane), axis=0), axis=1)[:8, :8]
        return [value >= low.mean() for value in low.ravel()]

    count, channels = len(maps), maps.shape[-1]
    found = np.zeros((channels, channels))
    for a in range(channels):
        for b in range(channels):
            equal = [
                x == y
                for image in maps
                for x, y in zip(bits(image[..., a]), bits(image[..., b]), strict=True)
            ]
            found[a, b] = sum(equal) / len(equal)  # count x bits
    assert count * min(8, maps.shape[1]) * min(8, maps.shape[2]) == len(equal)
    return found  # fmt: skip


@st.composite
def related_maps(draw):
    """Maps [N, H, W, C] that are alike to several degrees: sums of a few, with noise."""
    count, height, width = (
        draw(st.integers(1, 4)),
        draw(st.integers(1, 12)),
        draw(st.integers(1, 12)),
    )
    channels, rng = draw(st.integers(2, 7)), np.random.default_rng(draw(st.integers(0, 10**6)))
    few = rng.normal(size=(count, height, width, 2))
    mixed = few @ rng.normal(size=(2, channels))
    noise = draw(st.sampled_from([0.01, 0.3, 3.0]))
    return np.float32(mixed + noise * rng.normal(size=mixed.shape))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(related_maps(), st.sampled_from([None, 0.5, 0.7, 0.9]), st.integers(0, 48))
def test_similarities_and_choices_equal_naive_loops(maps, threshold, which):
    graph, expected = graph_of(*maps.shape[1:]), naive(maps)
    scores = tfprune.score(graph, "similarity", maps)
    np.testing.assert_array_equal(scores["conv"], expected)
    if threshold is None:  # one that a pair meets exactly: the edge is inclusive
        threshold = expected.ravel()[which % expected.size]
    keep = tfprune.select(graph, scores, threshold=threshold)
    assert np.flatnonzero(~keep["conv"]).tolist() == naive_walk(expected, threshold)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(related_maps(), st.randoms(use_true_random=False))
def test_neither_batches_nor_the_order_of_images_count(maps, random):
    graph = graph_of(*maps.shape[1:])
    order = random.sample(range(len(maps)), len(maps))
    cut = random.randint(0, len(maps) - 1)
    parts = [maps[part] for part in (order[:cut], order[cut:]) if part]
    whole = tfprune.score(graph, "similarity", maps)["conv"]
    np.testing.assert_array_equal(tfprune.score(graph, "similarity", parts)["conv"], whole)
