"""The best amounts under a budget, against trying all of them."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.reconstruction.allotment import Allotment
from tfprune.reconstruction.amounts import Curve, Sensitivity
from tfprune.selection.request import Request


@pytest.fixture(scope="module")
def graph():
    """Three hidden layers in a row: the cost of each depends on its neighbours."""
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(6, 3, padding="same", name="a")(image)
    x = layers.Conv2D(8, 3, padding="same", name="b")(x)
    x = layers.Conv2D(5, 3, padding="same", name="c")(x)
    return tfprune.analyse(keras.Model(image, layers.Conv2D(2, 1, name="d")(x)))


def curves(graph, seed=0):
    """Convex harms, drawn."""
    rng = np.random.default_rng(seed)
    found = []
    for name in ("a", "b", "c"):
        units = rng.permutation(graph.units_of(name))
        harm = np.concatenate([[0.0], np.cumsum(np.sort(rng.exponential(size=len(units))))])
        harm[-1] = np.inf
        found.append(Curve((name,), units, harm))
    return tuple(found)


def total(graph, chosen, amounts):
    return sum(curve.harm[k] for curve, k in zip(chosen, amounts, strict=True))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("kind", "share"), [("macs", 0.5), ("params", 0.7), ("macs", 0.25)])
def test_no_other_amounts_within_the_budget_do_much_less_harm(graph, kind, share, seed):
    chosen = curves(graph, seed)
    keep = Sensitivity(graph, chosen).keep(**{kind: share})
    amounts = [int((~keep[name]).sum()) for name in ("a", "b", "c")]
    whole = tfprune.cost(graph.model)
    small = tfprune.cost(tfprune.rebuild(graph, keep))
    assert getattr(small, kind) <= share * getattr(whole, kind)

    allotment = Allotment(graph, chosen, Request(**{kind: share}))
    possible = itertools.product(*(range(len(curve.units)) for curve in chosen))
    within = [k for k in possible if allotment.budget(allotment.kept(k)) <= allotment.budget.goal]
    best = min(total(graph, chosen, k) for k in within)
    assert total(graph, chosen, amounts) <= 1.15 * best
    worst = max(total(graph, chosen, k) for k in within)
    assert worst > 2 * best  # else the choice would hardly matter


@pytest.mark.parametrize("seed", range(4))
def test_the_choice_does_not_depend_on_the_unit_of_harm(graph, seed):
    chosen = curves(graph, seed)
    tiny = tuple(Curve(curve.layers, curve.units, 1e-6 * curve.harm) for curve in chosen)
    keep, same = (Sensitivity(graph, some).keep(macs=0.5) for some in (chosen, tiny))
    for name in keep:
        np.testing.assert_array_equal(keep[name], same[name])


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_harms_less_still_fits_into_the_budget(graph, seed):
    chosen = curves(graph, seed)
    keep = Sensitivity(graph, chosen).keep(macs=0.5)
    allotment = Allotment(graph, chosen, Request(macs=0.5))
    amounts = [int((~keep[name]).sum()) for name in ("a", "b", "c")]
    for place, amount in enumerate(amounts):
        if amount:
            fewer = [*amounts[:place], amount - 1, *amounts[place + 1 :]]
            assert allotment.budget(allotment.kept(fewer)) > allotment.budget.goal


def test_the_whole_model_is_kept_for_a_share_of_one(graph):
    keep = Sensitivity(graph, curves(graph)).keep(macs=1.0)
    assert all(mask.all() for mask in keep.values())


def test_channels_go_in_the_order_of_the_curve(graph):
    chosen = curves(graph, 3)
    keep = Sensitivity(graph, chosen).keep(macs=0.4)
    for curve in chosen:
        gone = ~keep[curve.layers[0]][np.argsort(graph.units_of(curve.layers[0]))]
        units = np.sort(graph.units_of(curve.layers[0]))[gone]
        assert set(units) == set(curve.units[: len(units)])


@pytest.mark.parametrize("option", [{"round_to": 2}, {"min_channels": 3}])
def test_floors_and_multiples_are_kept(graph, option):
    keep = Sensitivity(graph, curves(graph, 1)).keep(macs=0.5, **option)
    counts = [int(keep[name].sum()) for name in ("a", "b", "c")]
    sizes = [6, 8, 5]
    if "round_to" in option:
        assert all(n % 2 == 0 or n == size for n, size in zip(counts, sizes, strict=True))
    else:
        assert min(counts) >= 3
    assert counts != sizes


def test_a_budget_out_of_reach_is_refused(graph):
    with pytest.raises(PruningError, match=r"macs=0.01 cannot be reached: with all that may go"):
        Sensitivity(graph, curves(graph)).keep(macs=0.01)


def test_a_missing_or_double_budget_is_refused(graph):
    found = Sensitivity(graph, curves(graph))
    with pytest.raises(
        PruningError,
        match="expected one of macs=, params= and latency=, .* macs=None, params=None",
    ):
        found.keep()
    with pytest.raises(PruningError, match="received macs=0.5, params=0.6"):
        found.keep(macs=0.5, params=0.6)
