"""How far the outputs of two models lie apart, batch by batch."""

import math

import numpy as np
import pytest

from tfprune.surgery.equality import Gap, compare


def test_a_gap_over_batches_is_that_over_all_their_samples():
    rng = np.random.default_rng(0)
    expected, received = rng.normal(size=(2, 6, 3))
    whole, *parts = (
        compare([expected[some]], [received[some]])[0]
        for some in (slice(None), slice(0, 2), slice(2, 6))
    )
    joined = Gap().joined(parts[0]).joined(parts[1])
    assert (joined.difference, joined.magnitude) == (whole.difference, whole.magnitude)
    assert joined.relative == np.abs(expected - received).max() / np.abs(expected).max()


@pytest.mark.parametrize("place", ["difference", "magnitude"])
def test_a_number_that_is_none_is_not_lost_among_others(place):
    joined = Gap(1.0, 2.0).joined(Gap(**{place: math.nan})).joined(Gap(3.0, 4.0))
    assert math.isnan(getattr(joined, place))
    assert not joined.is_finite


@pytest.mark.parametrize(
    ("gap", "relative"),
    [(Gap(0.5, 2.0), 0.25), (Gap(0.0, 0.0), 0.0), (Gap(1e-9, 0.0), math.inf)],
)
def test_the_share_of_the_magnitude_is_infinite_where_0_was_expected(gap, relative):
    assert gap.relative == relative


def test_outputs_of_other_shapes_are_infinitely_far_apart_even_if_they_broadcast():
    (gap,) = compare([np.ones((2, 3))], [np.ones((2, 1))])
    assert (gap.difference, gap.magnitude, gap.relative) == (math.inf, 1.0, math.inf)
