"""Removing columns one by one from sums alone, against solving the least squares anew."""

import numpy as np
import pytest

from tfprune.reconstruction import elimination as module
from tfprune.reconstruction.elimination import Elimination, order_of_removal


@pytest.fixture(autouse=True)
def _without_ridge(monkeypatch):
    monkeypatch.setattr(module, "_RIDGE", 1e-10)


@pytest.fixture
def drawn():
    """Columns, a matrix and the units of the columns: three columns a unit, six units."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(400, 18)) @ rng.normal(size=(18, 18))
    return mixed, rng.normal(size=(18, 5)), np.tile(np.arange(6), 3)


def elimination(x, weights, unit, spread=1.0):
    return Elimination(x.T @ x / len(x), weights, unit, spread)


def naive(x, weights, left):
    """The error of the best matrix on the columns that are left, and that matrix."""
    best, *_ = np.linalg.lstsq(x[:, left], x @ weights, rcond=None)
    return float((((x @ weights) - x[:, left] @ best) ** 2).sum() / len(x)), best


@pytest.mark.parametrize("unit", range(6))
def test_a_units_cost_is_the_error_of_least_squares_without_it(drawn, unit):
    x, weights, units = drawn
    found = elimination(x, weights, units).costs([unit])[unit]
    wanted, _ = naive(x, weights, np.flatnonzero(units != unit))
    assert found == pytest.approx(wanted, rel=1e-4)


def test_after_several_removals_weights_and_costs_are_those_of_least_squares(drawn):
    x, weights, units = drawn
    part, added = elimination(x, weights, units), 0.0
    for unit in (4, 0, 3):
        added += part.costs([unit])[unit]
        part.remove(unit)
    left = np.flatnonzero(np.isin(units, [1, 2, 5]))
    error, best = naive(x, weights, left)
    assert added == pytest.approx(error, rel=1e-4)
    assert np.abs(part.weights[left] - best).max() < 1e-3 * np.abs(best).max()
    assert not part.weights[np.isin(units, [4, 0, 3])].any()


def test_costs_are_shares_of_the_outputs_variance(drawn):
    x, weights, units = drawn
    one, ten = (elimination(x, weights, units, spread).costs([2])[2] for spread in (1.0, 10.0))
    assert one == pytest.approx(10 * ten)


def test_columns_that_repeat_others_cost_nothing_and_go_first(drawn):
    x, weights, units = drawn
    x = x.copy()
    x[:, units == 5] = x[:, units == 1] - x[:, units == 2]
    order = list(order_of_removal([elimination(x, weights, units)], range(6)))
    assert order[0][0] in (1, 2, 5)
    assert order[0][1] < 1e-6 * order[1][1]
    assert {unit for unit, _ in order[1:]} & {1, 2, 5}  # the other two are needed: not all go first


def test_greedy_takes_the_cheapest_over_all_readers_each_time(drawn):
    x, weights, units = drawn
    readers = [elimination(x, weights, units), elimination(x[:, ::-1], weights, units)]
    for unit, cost in order_of_removal(readers, range(6)):
        assert unit not in readers[0]
        assert cost > 0
    assert sum(unit in readers[0] for unit in range(6)) == 1  # one stays


def test_given_scores_decide_the_order_and_the_costs_stay_true(drawn):
    x, weights, units = drawn
    scores = {unit: float((7 * unit) % 6) for unit in range(6)}
    order = list(order_of_removal([elimination(x, weights, units)], range(6), scores))
    assert [unit for unit, _ in order] == sorted(range(6), key=scores.get)[:5]
    error, _ = naive(x, weights, np.flatnonzero(units == order_last(order)))
    assert sum(cost for _, cost in order) == pytest.approx(error, rel=1e-4)


def order_last(order):
    return ({*range(6)} - {unit for unit, _ in order}).pop()
