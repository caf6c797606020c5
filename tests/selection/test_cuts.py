"""How many channels go, where rounding or a multiple could take one too many or too few."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy import sparse

import tfprune
from tfprune.selection import _cuts


def chain(*widths):
    """Dense layers in a row, and their graph; the last one is the output and stays whole."""
    x = inputs = keras.Input((4,))
    for place, width in enumerate(widths):
        x = layers.Dense(width, name=f"dense{place}")(x)
    return tfprune.analyse(keras.Model(inputs, layers.Dense(2, name="head")(x)))


@pytest.mark.parametrize("percent", [29, 57, 58])
def test_a_share_is_what_it_is_in_decimals(percent):
    assert int(100 * (percent / 100)) == percent - 1  # what doubles make of it
    graph = chain(100)
    keep = tfprune.select(graph, {"dense0": np.arange(100.0)}, ratio=percent / 100)
    assert (~keep["dense0"]).sum() == percent


def test_a_layer_is_cut_less_until_a_multiple_is_left_or_all_of_it():
    graph = chain(10, 10, 10)
    scores = {f"dense{i}": np.arange(10.0) + 100 for i in range(3)}
    for name, gone in (("dense0", 1), ("dense1", 5), ("dense2", 6)):
        scores[name][:gone] -= 100  # of all layers' channels, the 12 that go
    keep = tfprune.select(graph, scores, ratio=0.4, scope="global", round_to=4)
    # 9 of 10 are left: whole again. 5 are left: 8. 4 are left, which is a multiple.
    assert [int(keep[f"dense{i}"].sum()) for i in range(3)] == [10, 8, 4]


@pytest.mark.parametrize("floor", [3, 5])
def test_a_layer_that_is_no_wider_than_the_floor_stays_whole_in_a_ranking_of_all(floor):
    graph = chain(3, 17)
    scores = {"dense0": np.arange(3.0), "dense1": np.arange(17.0) + 10}
    keep = tfprune.select(graph, scores, ratio=0.4, scope="global", min_channels=floor)
    assert keep["dense0"].all()
    assert (~keep["dense1"]).sum() == 8  # of 20 channels, as asked for


def test_units_of_one_pattern_are_taken_at_once_and_as_one_by_one(monkeypatch):
    """Channels that each cost every layer of their group as much: nearly all that there are."""
    counts = sparse.csc_array(np.array([[2] * 5, [1] * 5, [0] * 5]))
    order, quota = np.array([3, 0, 4, 1, 2]), np.array([7, 5, 0])
    assert _cuts._one_by_one(order, counts[:, order], quota).tolist() == [3, 0, 4]
    monkeypatch.setattr(_cuts, "_one_by_one", None)
    assert _cuts._within(order, counts, quota).tolist() == [3, 0, 4]


@pytest.mark.parametrize("counts", [[[1, 2, 1], [1, 1, 1]], [[1, 0, 1], [0, 2, 1]]])
def test_units_of_several_patterns_leave_each_layer_its_quota(counts):
    """A unit that is too much for a layer stays, and those behind it may still go."""
    counts = np.array(counts)
    taken = _cuts._within(np.arange(3), sparse.csc_array(counts), np.array([2, 1]))
    assert taken.tolist() == ([0] if counts[0, 1] == 2 else [0, 2])
