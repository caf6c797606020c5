"""What a probe shows at its sites, against the layers' own arithmetic."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.passes.probe import Probe, gate_gradients
from tfprune.passes.sites import behind_norms, linear, scales

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(5, 3)).astype("float32")


def two_calls():
    """A layer with an activation of its own that is called twice, then a normalisation."""
    keras.utils.set_random_seed(1)
    row = keras.Input((3,))
    shared = layers.Dense(3, activation="tanh", name="shared")
    x = layers.BatchNormalization(name="norm")(layers.Dense(4, name="plain")(shared(shared(row))))
    model = keras.Model(row, layers.Dense(2, activation="softmax", name="head")(x))
    for weight in model.get_layer("norm").weights:
        weight.assign(RNG.uniform(0.5, 1.5, weight.shape))
    return model


def steps(model, x):
    """The tensors on the way, by plain arithmetic on the layers' weights."""
    dense = {n: model.get_layer(n).get_weights() for n in ("shared", "plain", "head")}
    first = x @ dense["shared"][0] + dense["shared"][1]
    second = np.tanh(first) @ dense["shared"][0] + dense["shared"][1]
    plain = np.tanh(second) @ dense["plain"][0] + dense["plain"][1]
    scale, shift, mean, variance = model.get_layer("norm").get_weights()
    norm = (plain - mean) / np.sqrt(variance + model.get_layer("norm").epsilon) * scale + shift
    return {"first": first, "second": second, "norm": norm,
            "logits": norm @ dense["head"][0] + dense["head"][1]}  # fmt: skip


def test_a_linear_site_is_seen_before_the_activation_at_each_call():
    model = two_calls()
    graph, expected = tfprune.analyse(model), steps(model, ROWS)
    _, found = Probe(graph, linear(graph, ["shared"])).run([tf.constant(ROWS)])
    for (_, value), name in zip(found["shared"], ("first", "second"), strict=True):
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("logits", [True, False])
def test_the_outputs_are_logits_or_the_model_s_own(logits):
    model = two_calls()
    graph = tfprune.analyse(model)
    outputs, _ = Probe(graph, linear(graph, ["shared"]), logits=logits).run([tf.constant(ROWS)])
    expected = steps(model, ROWS)["logits"]
    if not logits:
        expected = np.exp(expected) / np.exp(expected).sum(1, keepdims=True)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-6)


def test_gradients_are_those_of_what_follows_the_site():
    """Behind the normalisation follows the head alone: the slope of a logit is its weight."""
    model = two_calls()
    graph = tfprune.analyse(model)
    probe = Probe(graph, behind_norms(graph, ["plain"]), differentiable=True, logits=True)
    [(value, slope)] = probe.gradients([tf.constant(ROWS)], lambda y: tf.reduce_sum(y[:, 1]))[
        "plain"
    ]
    np.testing.assert_allclose(value, steps(model, ROWS)["norm"], rtol=1e-4, atol=1e-6)
    expected = np.tile(model.get_layer("head").get_weights()[0][:, 1], (5, 1))
    np.testing.assert_allclose(slope, expected, rtol=1e-5)


@pytest.mark.parametrize("images", [True, False])
def test_gradients_of_scales_on_batch_statistics(images):
    """With the sum of y * w behind it, dL/dgamma is the sum of w times the normalised input."""
    shape = (2, 2, 3) if images else (3,)
    model = keras.Sequential([keras.Input(shape), layers.BatchNormalization(name="norm")])
    model.get_layer("norm").gamma.assign([1.0, 2.0, 3.0])
    model.get_layer("norm").trainable = False
    x, w = RNG.normal(size=(2, 6, *shape)).astype("float32")
    graph, before = tfprune.analyse(model), model.get_weights()
    sites = scales([graph.owners["norm"]])
    probe = Probe(graph, sites, differentiable=True, batch_statistics=True)
    [(scale, slope)] = probe.gradients([tf.constant(x)], lambda y: tf.reduce_sum(y * w))["norm"]
    axes = tuple(range(x.ndim - 1))
    normalised = (x - x.mean(axes)) / np.sqrt(x.var(axes) + model.get_layer("norm").epsilon)
    np.testing.assert_allclose(slope, (normalised * w).sum(axes), rtol=1e-3, atol=1e-4)
    assert scale.numpy().tolist() == [1.0, 2.0, 3.0]
    moved = [*probe.model.get_weights(), *model.get_weights()]
    for old, new in zip([*before, *before], moved, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_gate_s_gradient_is_the_change_of_the_target_as_it_closes():
    """The head is linear: the target changes by just as much as the gate's gradient says."""
    model = two_calls()
    graph = tfprune.analyse(model)
    probe = Probe(graph, behind_norms(graph, ["plain"]), differentiable=True, logits=True)
    pairs = probe.gradients([tf.constant(ROWS)], lambda y: tf.reduce_sum(y[:, 0]))["plain"]
    weights = model.get_layer("head").get_weights()[0][:, 0]
    expected = steps(model, ROWS)["norm"] * weights
    np.testing.assert_allclose(gate_gradients(pairs), expected, rtol=1e-4, atol=1e-6)


def test_a_model_that_need_not_change_is_not_copied():
    graph = tfprune.analyse(two_calls())
    assert Probe(graph, linear(graph, ["plain"])).model is graph.model
    assert Probe(graph, linear(graph, ["shared"])).model is not graph.model
    assert graph.model.get_layer("shared").activation is keras.activations.tanh


def test_logits_of_several_outputs_are_refused():
    row = keras.Input((3,))
    model = keras.Model(row, [layers.Dense(2)(row), layers.Dense(2)(row)])
    with pytest.raises(PruningError, match="has 2 outputs, expected 1"):
        Probe(tfprune.analyse(model), {}, logits=True)
