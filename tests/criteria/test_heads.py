"""Heads and their sizes: a criterion scores them by what they are worth, or not at all."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tests.property.growing import enliven
from tests.toy_models.sequences import written_attention
from tfprune import PruningError
from tfprune.criteria import taylor

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
    _, report = tfprune.prune(model, SAMPLES, "hrank", ratio=0.5, include="*")
    told = "left whole, for 'hrank' does not score them: "
    (line,) = [line for line in report.observations if line.startswith(told)]
    names = {"value/size", "attention/key_dim", "attention/heads"}
    assert names <= set(line.removeprefix(told).split(", "))
    with pytest.raises(PruningError, match="value/size: not scored by 'hrank'"):
        tfprune.prune(model, SAMPLES, "hrank", ratio=0.5, include="value/size")


SEEN = {  # {name: (layer, its projection, axis of the kernel and the bias)}
    "attention/heads": [("attention", "value", -2)],
    "attention/value_dim": [("attention", "value", -1)],
    "attention/key_dim": [("attention", "query", -1)],
    "grouped/heads": [("grouped", "value", -2)],
    "grouped/head_dim": [("grouped", "value", -1), ("grouped", "query", -1)],
    **{name: [(name, None, -2)] for name in ("query", "key", "value")},
    **{f"{name}/size": [(name, None, -1)] for name in ("query", "key", "value")},
}


def test_taylor_closes_gates_of_heads_and_places():
    """A gate at what a projection makes multiplies its kernel and bias."""
    x = keras.Input((5, 8))
    y = written_attention(x, 2)
    y = y + layers.MultiHeadAttention(2, 3, 4, name="attention")(y, y)
    y = y + layers.GroupQueryAttention(3, 4, 2, name="grouped")(y, y)
    model = keras.Model(x, layers.Dense(3, name="out")(layers.GlobalAveragePooling1D()(y)))
    enliven(model, 0)
    weights = {}
    for seen in SEEN.values():
        for layer, part, _ in seen:
            dense = model.get_layer(layer)
            weights[layer, part] = (getattr(dense, f"_{part}_dense") if part else dense).weights
    squares = dict.fromkeys(SEEN, 0.0)
    for sample, label in zip(SAMPLES, LABELS, strict=True):
        with tf.GradientTape() as tape:
            logits = model(sample[None], training=False)
            loss = keras.losses.sparse_categorical_crossentropy(
                np.array([label]), logits, from_logits=True
            )
        slopes = tape.gradient(loss, {key: [w.value for w in own] for key, own in weights.items()})
        for name, seen in SEEN.items():
            gate = 0.0
            for layer, part, axis in seen:
                for w, slope in zip(weights[layer, part], slopes[layer, part], strict=True):
                    gate = gate + np.moveaxis(w.numpy() * slope, axis, 0).reshape(
                        w.shape[axis], -1
                    ).sum(1)
            squares[name] = squares[name] + np.float64(gate) ** 2 / len(SAMPLES)
    scores = taylor.score(tfprune.analyse(model), [(SAMPLES, LABELS)])  # before units share theirs
    assert set(scores) == {*SEEN, "joined", "out"}
    for name, wanted in squares.items():
        np.testing.assert_allclose(scores[name], wanted, rtol=1e-3, atol=1e-9, err_msg=name)
