"""Heads and their sizes: their harm is measured, and their costs are counted, both at once."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.oracle import masked_outputs
from tests.property.growing import enliven
from tests.toy_models.sequences import written_attention
from tfprune.reconstruction.allotment import Allotment
from tfprune.selection.request import Request

SAMPLES = np.random.default_rng(0).normal(size=(40, 5, 8)).astype("float32")
UNREAD = ("attention/key_dim", "query/size")
READ = ("attention/heads", "attention/value_dim", "value/size")


@pytest.fixture(scope="module")
def graph():
    """All heads lie behind one another where `joined` reads them."""
    x = keras.Input((5, 8))
    y = written_attention(x, 3)
    y = y + layers.MultiHeadAttention(4, 4, 4, name="attention")(y, y)
    model = keras.Model(x, layers.Dense(3, name="out")(layers.GlobalAveragePooling1D()(y)))
    enliven(model, 0)
    return tfprune.analyse(model)


@pytest.fixture(scope="module")
def measured(graph):
    return tfprune.sensitivity(graph, SAMPLES, include="*")


def measured_and_masked(graph, measured, name):
    """Return the harms of one, two and three units: as measured, and of the masked model."""
    curve = next(curve for curve in measured.curves if name in curve.layers)
    (whole,) = masked_outputs(graph.model, {}, SAMPLES)
    harms = []
    for amount in (1, 2, 3):
        keep = {layer: ~np.isin(graph.units_of(layer), curve.units[:amount])
                for layer in curve.layers}  # fmt: skip
        (left,) = masked_outputs(graph.model, keep, SAMPLES)
        harms.append(((left - whole) ** 2).sum() / ((whole - whole.mean(0)) ** 2).sum())
    assert min(harms) > 0
    return curve.harm[1:4], np.maximum.accumulate(harms)


@pytest.mark.parametrize("name", UNREAD)
def test_the_harm_of_what_no_kernel_reads_is_that_of_the_masked_model(graph, measured, name):
    received, masked = measured_and_masked(graph, measured, name)
    np.testing.assert_allclose(received, masked, rtol=1e-3)


@pytest.mark.parametrize("name", READ)
def test_what_a_kernel_reads_does_less_harm_for_the_kernel_answers(graph, measured, name):
    received, masked = measured_and_masked(graph, measured, name)
    assert (received > 0).all()
    assert received.sum() < 0.9 * masked.sum()


@pytest.mark.parametrize("share", [0.8, 0.6, 0.4])
def test_heads_and_places_together_keep_to_the_budget(graph, measured, share):
    keep = measured.keep(params=share)
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    assert small.count_params() <= share * graph.model.count_params()


def test_costs_of_every_amount_of_a_set_are_those_of_the_budget(graph, measured):
    allotment = Allotment(graph, measured.curves, Request(params=0.5))
    amounts = [len(curve.units) // 3 for curve in measured.curves]
    for place, curve in enumerate(measured.curves):
        costs = allotment._costs(place, amounts)
        others = [[*amounts[:place], k, *amounts[place + 1 :]] for k in range(len(curve.units))]
        whole = [allotment.budget(allotment.kept(other)) for other in others]
        np.testing.assert_allclose(np.diff(costs)[:-1], np.diff(whole))
