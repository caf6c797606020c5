"""Least squares from sums, against numpy's from rows."""

import numpy as np
import pytest

from tfprune.reconstruction.normal_equations import Halves, Sums, best_fit, solved


def drawn(groups=2, rows=80, columns=5, outputs=3, mean=1.0, noise=0.3, seed=0):
    """Return x, y and an old matrix that does not fit them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(groups, rows, columns)) * rng.uniform(0.2, 3, columns) + mean
    y = x @ rng.normal(size=(groups, columns, outputs)) + 2
    y += noise * rng.normal(size=y.shape)
    return x, y, rng.normal(size=(groups, columns, outputs))


def summed(x, y, pieces=1):
    sums = Sums()
    parts = (np.array_split(a, pieces, axis=1) for a in (x, y))
    for some_x, some_y in zip(*parts, strict=True):
        sums.add(some_x, some_y)
    return sums


def with_ones(x):
    return np.concatenate([x, np.ones((*x.shape[:2], 1))], axis=2)


@pytest.mark.parametrize("offset", [True, False])
def test_without_a_ridge_it_is_lstsq(offset):
    x, y, old = drawn()
    weights, shift = solved(summed(x, y), old, 1e-13, offset=offset)
    for group in range(2):
        columns = with_ones(x)[group] if offset else x[group]
        wanted = np.linalg.lstsq(columns, y[group])[0]
        np.testing.assert_allclose(weights[group], wanted[:5], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(shift[group], wanted[5] if offset else 0, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("ridge", [0.3, 1e-2])
def test_a_ridge_is_rows_that_hold_to_the_old_matrix(ridge, offset):
    """|Y - XW - b|^2 + ridge |D^(1/2) (W - W0)|^2 as least squares over more rows."""
    x, y, old = drawn()
    weights, shift = solved(summed(x, y), old, ridge, offset=offset)
    for group in range(2):
        about = x[group] - x[group].mean(0) if offset else x[group]
        held = np.diag(np.sqrt(ridge * (about**2).sum(0)))
        columns = with_ones(x)[group] if offset else x[group]
        more = np.zeros((5, columns.shape[1]))
        more[:, :5] = held
        wanted = np.linalg.lstsq(
            np.concatenate([columns, more]), np.concatenate([y[group], held @ old[group]])
        )[0]
        np.testing.assert_allclose(weights[group], wanted[:5], rtol=1e-6, atol=1e-8)
        if offset:
            np.testing.assert_allclose(shift[group], wanted[5], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("pieces", [2, 7, 80])
def test_sums_in_portions_are_the_sums_at_once(pieces):
    x, y, _ = drawn()
    portions, whole = summed(x, y, pieces), summed(x, y)
    added = summed(x[:, :30], y[:, :30]) + summed(x[:, 30:], y[:, 30:])
    for name, value in vars(whole).items():
        np.testing.assert_allclose(vars(portions)[name], value, rtol=1e-12)
        np.testing.assert_allclose(vars(added)[name], value, rtol=1e-12)


def test_the_error_is_that_of_the_rows():
    x, y, old = drawn()
    shift = np.random.default_rng(1).normal(size=(2, 3))
    naive = ((y - x @ old - shift[:, None]) ** 2).sum()
    np.testing.assert_allclose(summed(x, y).error(old, shift), naive, rtol=1e-10)
    spread = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum()
    np.testing.assert_allclose(summed(x, y).spread(), spread, rtol=1e-10)


def halved(x, y, every=5):
    halves = Halves()
    halves.add(x, y, np.arange(x.shape[1]) % every == every - 1)
    return halves


def test_the_ridge_is_that_of_the_smallest_error_on_rows_held_out():
    x, y, old = drawn(groups=1, rows=12, columns=6, noise=3.0)
    ridges = (1e-6, 1e-3, 0.1, 1.0, 10.0)
    held = np.arange(12) % 5 == 4
    naive = {}
    for ridge in ridges:
        weights, shift = solved(summed(x[:, ~held], y[:, ~held]), old, ridge, offset=True)
        naive[ridge] = ((y - x @ weights - shift[:, None])[:, held] ** 2).sum()
    fit = best_fit(halved(x, y), old, offset=True, ridges=ridges)
    assert fit.ridge == min(naive, key=naive.get) != ridges[0]
    spread = ((y - y[:, held].mean(axis=1, keepdims=True))[:, held] ** 2).sum()
    assert fit.after == pytest.approx(naive[fit.ridge] / spread)
    assert fit.before == pytest.approx(((y - x @ old)[:, held] ** 2).sum() / spread)
    # The chosen ridge is used on all rows.
    wanted = solved(summed(x, y), old, fit.ridge, offset=True)
    np.testing.assert_allclose(fit.weights, wanted[0], rtol=1e-9)
    np.testing.assert_allclose(fit.offset, wanted[1], rtol=1e-9)


def test_a_matrix_that_no_ridge_beats_stays():
    """The fitted rows say another thing than those held out."""
    x, y, old = drawn(groups=1)
    held = np.arange(80) % 5 == 4
    y[:, held] = (x @ old)[:, held] + 1e-3
    fit = best_fit(halved(x, y), old, offset=True)
    assert fit.ridge is None
    assert fit.weights is old
    assert not fit.offset.any()
    assert fit.before == fit.after


def test_a_matrix_that_is_right_up_to_rounding_stays():
    x, _, old = drawn()
    y = (x @ old).astype("float32").astype("float64")
    fit = best_fit(halved(x, y), old, offset=True)
    assert fit.ridge is None
    assert fit.weights is old


def test_constant_outputs_that_are_right_up_to_rounding_stay():
    """Their spread is rounding too, so that it is no measure."""
    x, _, old = drawn()
    x[:] = x[:, :1]
    y = (x @ old).astype("float32").astype("float64")
    fit = best_fit(halved(x, y), old, offset=True)
    assert fit.ridge is None
    assert fit.weights is old


def test_columns_that_are_always_zero_keep_their_weights():
    x, y, old = drawn()
    x[:, :, 2] = 0
    fit = best_fit(halved(x, y), old, offset=True)
    assert fit.ridge is not None
    np.testing.assert_allclose(fit.weights[:, 2], old[:, 2], rtol=1e-12)


def test_columns_of_very_different_scales_are_solved_alike():
    """Their matrix is ill-conditioned by scale alone, which is nothing to warn of."""
    x, y, old = drawn()
    scale = np.array([1e-9, 1, 1e9, 1e4, 1e-4])
    plain = best_fit(halved(x, y), old, offset=True)
    scaled = best_fit(halved(x * scale, y), old / scale[:, None], offset=True)
    assert scaled.ridge == plain.ridge
    np.testing.assert_allclose(scaled.weights * scale[:, None], plain.weights, rtol=1e-5)


def test_a_channel_that_is_all_but_dead_keeps_its_weights():
    x, y, old = drawn()
    faint = 1e-5 * x[:, :, 0]
    y = y + 300 * faint[:, :, None]  # a weight of 300 would explain a millionth of the outputs
    x[:, :, 0] = faint
    fit = best_fit(halved(x, y), old, offset=True)
    np.testing.assert_array_equal(fit.weights[:, 0], old[:, 0])
    rest = best_fit(halved(x[:, :, 1:], y), old[:, 1:], offset=True)
    np.testing.assert_allclose(fit.weights[:, 1:], rest.weights, rtol=1e-6)


def test_a_faint_column_of_large_weights_is_solved_as_any_other():
    x, y, old = drawn()
    x[:, :, 0] *= 1e-5
    old[:, 0] *= 1e5
    fit = best_fit(halved(x, y), old, offset=True)
    assert (fit.weights[:, 0] != old[:, 0]).all()


def test_equal_columns_share_the_weight():
    x, _, _ = drawn(groups=1, columns=2)
    x[:, :, 1] = x[:, :, 0]
    y = x[:, :, :1] * 6 + 1
    fit = best_fit(halved(x, y), np.ones((1, 2, 1)), offset=True)
    np.testing.assert_allclose(fit.weights[0], [[3], [3]], rtol=1e-4)
    np.testing.assert_allclose(fit.offset, [[1]], atol=1e-4)


@pytest.mark.parametrize("mean", [1e4, 1e5, 3e5, 1e6, 3e7])
def test_a_mean_far_from_zero_is_no_error(mean):
    """X'X about a mean of a million deviations is rounding: another ridge or the old matrix."""
    x, y, old = drawn(rows=400, columns=40, mean=mean)
    fit = best_fit(halved(x, y), old, offset=True)
    assert np.isfinite(fit.weights).all()
    assert fit.after <= fit.before
    if mean < 1e5:
        assert fit.after < 1e-2
