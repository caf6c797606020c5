import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfprune.training import Recipe, schedules
from tfprune.training.rates import build

STEPS = 10  # in an epoch


def rates(**settings):
    recipe = Recipe(**settings)
    rate = build(recipe, 0.2, STEPS)
    return np.array([rate(step) for step in range(recipe.epochs * STEPS)])


def test_constant():
    np.testing.assert_array_equal(rates(epochs=3), 0.2)


def test_step_drops_at_the_first_step_of_its_epochs():
    expected = [0.2] * 20 + [0.02] * 10 + [0.002] * 10
    np.testing.assert_allclose(rates(epochs=4, schedule="step", decay_steps=(2, 3)), expected)


def test_step_takes_another_factor_and_steps_beyond_the_end():
    found = rates(epochs=2, schedule="step", decay_steps=(1, 80), decay_factor=0.5)
    np.testing.assert_allclose(found, [0.2] * 10 + [0.1] * 10)


def test_the_rates_of_gfi_ap():
    settings = {"schedule": "step", "decay_steps": tuple(range(8, 80, 8)), "decay_factor": 1 / 1.8}
    rate = build(Recipe(epochs=80, **settings), 0.08, 1)
    expected = [0.08, 0.0444444, 0.0246914, 0.0137174, 0.0076208, 0.0042338, 0.0023521, 0.0013067,
                0.0007260, 0.0004033]  # fmt: skip
    np.testing.assert_allclose([rate(8 * i) for i in range(10)], expected, rtol=1e-4)


def test_cosine_falls_from_the_whole_rate_over_a_half_at_the_middle():
    found = rates(epochs=4, schedule="cosine")
    assert found[0] == 0.2
    assert found[20] == pytest.approx(0.1)
    np.testing.assert_allclose(found, [0.1 * (1 + math.cos(math.pi * s / 40)) for s in range(40)])


def test_one_cycle_rises_for_three_tenths_and_falls_to_almost_nothing():
    found = rates(epochs=10, schedule="one_cycle")
    assert found[0] == pytest.approx(0.2 / 25)
    assert found[30] == pytest.approx(0.2)
    assert found[15] == pytest.approx(0.2 * (1 / 25 + 1) / 2)
    assert found[-1] < 0.2 * 0.001
    assert np.all(np.diff(found[:31]) > 0)
    assert np.all(np.diff(found[30:]) < 0)


def test_warm_up_rises_linearly_to_the_whole_rate():
    found = rates(epochs=3, warmup_epochs=0.5)
    np.testing.assert_allclose(found[:6], [0.04, 0.08, 0.12, 0.16, 0.2, 0.2])


def test_warm_up_leaves_the_drops_where_they_are_and_shortens_the_cosine():
    found = rates(epochs=4, schedule="step", decay_steps=(2,), warmup_epochs=1)
    np.testing.assert_allclose(found[[9, 10, 19, 20]], [0.2, 0.2, 0.2, 0.02])
    found = rates(epochs=3, schedule="cosine", warmup_epochs=1)
    np.testing.assert_allclose(found[[9, 10, 20]], [0.2, 0.2, 0.1])


def test_poly_falls_behind_its_warm_up():
    found = rates(epochs=5, schedule="poly", warmup_epochs=1)
    np.testing.assert_allclose(found[:10], 0.2 * np.arange(1, 11) / 10)
    np.testing.assert_allclose(found[10:], [0.2 * (1 - s / 40) ** 0.9 for s in range(40)])


def test_names_and_their_options():
    assert schedules.names() == ["constant", "cosine", "one_cycle", "poly", "step"]
    given = {name: schedules.options(name) for name in schedules.names()}
    assert given.pop("step") == {"decay_steps": True, "decay_factor": False}
    assert not any(given.values())


@given(
    st.sampled_from(schedules.names()), st.integers(1, 30), st.integers(1, 50), st.floats(0, 0.9)
)
def test_every_rate_is_above_zero_and_at_most_the_highest(name, epochs, steps, warmup):
    recipe = Recipe(
        epochs=epochs,
        schedule=name,
        decay_steps=(epochs,) if name == "step" else (),
        warmup_epochs=0.0 if schedules.find(name).RISES else warmup,
    )
    rate = build(recipe, 0.3, steps)
    assert all(0 < rate(step) <= 0.3 * (1 + 1e-12) for step in range(epochs * steps))
