"""Heads and their sizes: a criterion scores them by what they are worth, or not at all."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.property.growing import enliven
from tests.toy_models.sequences import written_attention
from tfprune import PruningError

SAMPLES = np.random.default_rng(0).normal(size=(12, 5, 8)).astype("float32")
LABELS = np.arange(12) % 3


@pytest.fixture(scope="module")
def model():
    x = keras.Input((5, 8))
    y = written_attention(x, 2)
    y = y + layers.MultiHeadAttention(2, 4, name="attention")(y, y)
    y = layers.Dense(6, activation="relu", name="hidden")(y)
    model = keras.Model(x, layers.Dense(3, name="out")(layers.GlobalAveragePooling1D()(y)))
    enliven(model, 0)
    return model


def test_a_place_of_heads_that_one_kernel_reads_is_worth_its_rows(model):
    scores = tfprune.score(tfprune.analyse(model), "group_l2")
    kernel, bias = (w.numpy() for w in model.get_layer("value").weights)
    rows = model.get_layer("joined").kernel.numpy().reshape(2, 4, 8)
    worth = (kernel**2).sum((0, 1)) + (bias**2).sum(0) + (rows**2).sum((0, 2))
    np.testing.assert_allclose(scores["value/size"], worth / worth.mean(), rtol=1e-5)


def test_what_no_kernel_reads_is_not_free_by_obs(model):
    scores = tfprune.score(tfprune.analyse(model), "obs", SAMPLES)
    inside = ["attention/heads", "attention/value_dim"]
    assert sorted(scores) == [*inside, "hidden", "key", "query", "value", "value/size"]
    assert all(value.any() for value in scores.values())


@pytest.mark.parametrize("criterion", ["hrank", "fmc"])
def test_criteria_of_maps_leave_sizes_out(model, criterion):
    scores = tfprune.score(tfprune.analyse(model), criterion, SAMPLES)
    assert sorted(scores) == ["key", "query", "value"]


def test_what_is_named_and_not_scored_is_told(model):
    data = [(SAMPLES, LABELS)]
    _, report = tfprune.prune(model, data, "taylor", ratio=0.5, include="*")
    (line,) = report.observations
    assert line.startswith("left whole, for 'taylor' does not score them: ")
    assert {"value/size", "attention/key_dim", "query"} <= set(line.rpartition(": ")[2].split(", "))
    with pytest.raises(PruningError, match="value/size: not scored by 'taylor'"):
        tfprune.prune(model, data, "taylor", ratio=0.5, include="value/size", exclude="hidden")
