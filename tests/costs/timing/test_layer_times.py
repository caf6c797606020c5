"""Times between measured widths: linear, longer where a width is no multiple of the grid's."""

import json

import numpy as np
import pytest

from tfprune.costs.timing.layer_times import LayerTimes, between, granularity, grid


def bilinear(i, o):
    return 2.0 + 3 * i + 5 * o + 0.25 * i * o


@pytest.fixture
def times():
    widths = ((16, 32, 64), (32, 64))
    seconds = np.array([[bilinear(i, o) for o in widths[1]] for i in widths[0]])
    return LayerTimes(widths, seconds, ({8: 1.5, 1: 2.0}, {1: 3.0}))


@pytest.mark.parametrize("sizes", [(16, 32), (48, 48), (64, 64), (0, 16)])
def test_a_bilinear_time_is_met_between_and_below_the_measured_widths(times, sizes):
    assert times(*sizes).item() == pytest.approx(bilinear(*sizes))


@pytest.mark.parametrize(
    ("sizes", "factor"), [((24, 32), 1.5), ((23, 32), 2.0), ((32, 33), 3.0), ((23, 33), 6.0)]
)
def test_a_width_that_is_no_multiple_of_the_grids_takes_longer(times, sizes, factor):
    assert times(*sizes).item() == pytest.approx(factor * bilinear(*sizes))


def test_a_time_is_linear_in_each_piece_alone():
    times = LayerTimes(((16, 32, 64),), np.array([1.0, 5.0, 6.0]), ({},))
    assert times(np.array([16, 24, 32, 48, 64])).tolist() == [1.0, 3.0, 5.0, 5.5, 6.0]


def test_arrays_are_broadcast_and_no_time_is_negative(times):
    found = times(np.array([[16], [64]]), np.array([32, 48, 64]))
    assert found.shape == (2, 3)
    assert found[1, 1] == times(64, 48)
    steep = LayerTimes(((16, 32),), np.array([1.0, 5.0]), ({},))
    assert steep(0).item() == 0.0


def test_calls_count():
    times = LayerTimes(((16, 32),), np.array([1.0, 2.0]), ({},), calls=3)
    assert times(32).item() == 6.0


def test_an_axis_that_is_one_width_wide_has_one_time():
    times = LayerTimes(((3,), (16, 32)), np.array([[1.0, 2.0]]), ({}, {}))
    assert times(3, np.array([16, 24])).tolist() == [1.0, 1.5]


def test_plain_values_and_back(times):
    again = LayerTimes.from_json(json.loads(json.dumps(times.to_json())))
    sizes = np.arange(1, 65)
    np.testing.assert_array_equal(again(sizes[:, None], sizes), times(sizes[:, None], sizes))


@pytest.mark.parametrize(
    ("width", "free", "expected"),
    [
        (256, True, (64, 128, 256)),
        (64, True, (16, 32, 64)),
        (24, True, (8, 12, 24)),
        (16, True, (4, 8, 16)),
        (10, True, (2, 5, 10)),
        (1, True, (1,)),
        (256, False, (256,)),
    ],
)
def test_the_grid_is_of_round_widths(width, free, expected):
    assert grid(width, free=free, shares=(0.25, 0.5, 1)) == expected


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        ((64, 128, 256), {16: 144, 8: 136, 4: 132, 1: 129}),
        ((16, 32, 64), {16: 48, 8: 40, 4: 36, 1: 33}),
        ((8, 12, 24), {4: 20, 1: 13}),
        ((256,), {}),
        ((2, 5, 10), {}),
    ],
)
def test_one_width_between_stands_for_each_granularity(widths, expected):
    found = between(widths)
    assert found == expected
    assert all(granularity(width) == size for size, width in found.items())


def test_granularities():
    assert granularity([1, 2, 4, 6, 8, 16, 40, 48, 64]).tolist() == [1, 1, 4, 1, 8, 16, 8, 16, 32]


def test_what_was_measured_itself_has_no_factor():
    times = LayerTimes(((16, 32, 64),), np.array([1.0, 2.0, 4.0]), ({16: 1.5},))
    assert times(np.array([16, 48])).tolist() == [1.0, 4.5]
