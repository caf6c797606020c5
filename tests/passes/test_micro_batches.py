"""Micro-batches: all samples in their order, in parts of one size."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.passes.micro_batches import inference_batch, micro_batch, recut


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 7))
def test_every_sample_comes_once_and_in_order_however_it_was_batched(sizes, size):
    numbers = np.arange(sum(sizes))
    ends = np.cumsum(sizes)
    parts = [
        ({"a": numbers[e - n : e]}, 2 * numbers[e - n : e])
        for e, n in zip(ends, sizes, strict=True)
    ]
    found = list(recut(parts, size))
    assert [x for one, _ in found for x in one["a"]] == numbers.tolist()
    assert all((two == 2 * one["a"]).all() for one, two in found)
    assert {len(two) for _, two in found[:-1]} <= {size}
    assert all(0 < len(two) <= size for _, two in found)


def test_a_part_ends_where_the_images_become_larger():
    small, large = np.zeros((3, 4, 4)), np.zeros((3, 8, 8))
    shapes = [x.shape for (x,) in recut([(small,), (large,)], 2)]
    assert shapes == [(2, 4, 4), (1, 4, 4), (2, 8, 8), (1, 8, 8)]


def test_unequal_numbers_of_samples_are_refused():
    with pytest.raises(PruningError, match=r"same number of samples .*\(2,.*\(3"):
        list(recut([(np.zeros((2, 1)), np.zeros(3))], 4))


@pytest.mark.parametrize(("filters", "expected"), [(1, 32), (2**13 - 8, 8), (2**17, 1)])
def test_the_size_follows_from_the_outputs_of_the_layers(filters, expected):
    """Two layers of 64 x 64 maps: 2**12 numbers for each filter, and as many of the pooling."""
    image = keras.Input((64, 64, 1))
    x = layers.Conv2D(filters, 1)(image)
    graph = tfprune.analyse(keras.Model(image, layers.GlobalAveragePooling2D()(x)))
    assert micro_batch(graph) == expected


def test_without_gradients_only_what_is_still_read_takes_room():
    """Of 64 x 64 maps of 16 filters two are there at a time, at the end of a shortcut three."""
    image = keras.Input((64, 64, 16))
    plain = x = layers.Conv2D(16, 1)(image)
    for _ in range(9):
        x = layers.Conv2D(16, 1)(x)
    room = 2**28 // 2**16
    assert inference_batch(keras.Model(image, x)) == room // 2
    assert inference_batch(keras.Model(image, layers.Add()([plain, x]))) == room // 4
    inner = keras.Model(image, x)
    assert inference_batch(keras.Sequential([image, inner])) == room // 2
