"""Subclassed models: what opens computes the same, prunes as proven, and reloads as stock Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tfprune
from tests.graph.opening import nets
from tests.masks import random_masks

CASES = {kind.__name__: (kind, None) for kind in nets.IMAGES} | {
    "TwoInputs": (nets.TwoInputs, nets.TWO),
    "Tokens": (nets.Tokens, nets.TEXT),
}


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    kind, inputs = CASES[request.param]
    model = nets.built(kind, inputs)
    given = keras.Input((None,), dtype="int32") if kind is nets.Tokens else None
    before = [np.array(w) for w in model.weights]
    opened = tfprune.open_up(model, given)
    assert all(np.array_equal(a, w) for a, w in zip(before, model.weights, strict=True))
    return model, opened


def random_batch(opened, batch, seed=0):
    rng = np.random.default_rng(seed)

    def draw(x):
        shape = (batch, *(n or 24 for n in x.shape[1:]))
        if "int" in x.dtype:
            return rng.integers(0, 9, shape).astype("int32")
        return rng.normal(size=shape).astype("float32")

    return keras.tree.map_structure(draw, opened.input)


@pytest.mark.parametrize("batch", [1, 5])
def test_an_opened_model_computes_what_the_model_computes(pair, batch):
    model, opened = pair
    x = random_batch(opened, batch)
    expected, received = (keras.tree.flatten(m(x, training=False)) for m in (model, opened))
    assert np.abs(expected[0]).max() > 1e-3
    for a, b in zip(expected, received, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6, atol=1e-6 * np.abs(a).max())


def test_an_opened_model_has_the_weights_of_the_model(pair):
    model, opened = pair
    for kind in ("trainable_weights", "non_trainable_weights"):
        ours, theirs = (
            sorted(np.asarray(w).ravel().tolist() for w in getattr(m, kind) if "seed" not in w.path)
            for m in (opened, model)
        )
        assert ours == theirs


def test_an_opened_model_reloads_as_stock_keras(pair, tmp_path):
    _, opened = pair
    opened.save(tmp_path / "opened.keras")
    again = keras.models.load_model(tmp_path / "opened.keras")
    assert all(type(x).__module__.startswith("keras.") for x in again.layers)
    x = random_batch(opened, 2)
    for a, b in zip(*(keras.tree.flatten(m(x)) for m in (opened, again)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_are_unique_and_those_of_the_code(pair):
    _, opened = pair
    names = [x.name for x in opened.operations]
    assert len(set(names)) == len(names)
    assert not any("self_" in name for name in names)


def test_half_of_a_subclassed_model_equals_the_masked_one(pair, tmp_path):
    model, opened = pair
    graph = tfprune.analyse(opened)
    keep = random_masks(graph, 0.5, 0)
    small = tfprune.rebuild(graph, keep)
    check = tfprune.verify(graph, keep, small)
    assert check.proven
    assert small.count_params() < model.count_params()
    small.save(tmp_path / "small.keras")
    keras.models.load_model(tmp_path / "small.keras")


def test_names_tell_where_a_layer_stands():
    opened = tfprune.open_up(nets.built(nets.Residual))
    names = {x.name for x in opened.layers}
    assert {"stem", "blocks.0.conv1", "blocks.1.shortcut", "gamma", "head"} <= names


def test_what_training_switches_still_switches():
    model = nets.built(nets.Residual)
    opened = tfprune.open_up(model)
    x = random_batch(opened, 4)
    assert not np.allclose(opened(x, training=True), opened(x, training=True))  # dropout
    np.testing.assert_array_equal(opened(x), opened(x))
    assert {"blocks.0.dropout", "blocks.1.dropout"} <= {x.name for x in opened.layers}


def test_stochastic_depth_becomes_dropout_of_whole_samples():
    opened = tfprune.open_up(nets.built(nets.ConvNeXt))
    drop = opened.get_layer("stages.2.drop_path")
    assert isinstance(drop, keras.layers.Dropout)
    assert (drop.rate, tuple(drop.noise_shape)) == (0.3, (None, 1, 1, 1))
    assert opened.get_layer("stages.0.drop_path").rate == 0
    x = np.ones((64, 16, 16, 3), "float32")
    taps = keras.Model(opened.input, [drop.input, drop.output])
    before, after = (np.asarray(y) for y in taps(x, training=True))
    gone = (after == 0).all(axis=(1, 2, 3))
    assert 0 < gone.sum() < 64
    np.testing.assert_allclose(after[~gone], before[~gone] / 0.7, rtol=1e-5)


def test_shared_layers_stay_shared():
    opened = tfprune.open_up(nets.built(nets.Features))
    assert len(opened.get_layer("shared.body.conv2d")._inbound_nodes) == 2


def test_analyse_opens_and_prune_returns_a_stock_model():
    model = nets.built(nets.Residual)
    small, report = tfprune.prune(model, None, method="l1", ratio=0.5)
    assert report.verification.proven
    assert small.get_layer("blocks.0.conv1").filters == 4
    with pytest.raises(tfprune.PruningError, match="is a subclassed model"):
        tfprune.analyse(model, open_layers=False)


def test_training_goes_on_with_what_the_model_was_compiled_with():
    model = nets.built(nets.Residual)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    small, _ = tfprune.prune(model, None, method="l1", ratio=0.5)
    x, y = np.ones((4, 16, 16, 3), "float32"), np.array([0, 1, 2, 3])
    before = np.array(small.get_layer("gamma").embeddings)
    small.fit(x, y, verbose=0)
    assert not np.allclose(before, small.get_layer("gamma").embeddings)


class Counts(keras.Model):
    """Counts places from either end, and sees a band around the diagonal.

    One layer is called on the open length and on a known one, and places are told to every head.
    """

    def __init__(self):
        super().__init__()
        self.words, self.head = layers.Embedding(9, 6), layers.Dense(2)
        self.heads = layers.EinsumDense("btc,chs->bths", (None, 2, 3), bias_axes="hs")

    def call(self, tokens):
        length = ops.shape(tokens)[1]
        x = self.words(tokens)
        back, on = ops.arange(1 - length, 1), ops.arange(2, length + 2)
        band = tf.linalg.band_part(ops.matmul(x, ops.transpose(x, (0, 2, 1))), 1, 2)
        x = ops.matmul(band, x) + ops.cast(back * 3 + on, "float32")[:, None]
        order = ops.flip(ops.arange(0, length))[None, None, :, None]
        order = ops.broadcast_to(order, (ops.shape(tokens)[0], 2, length, 3))
        heads = self.heads(x) + self.heads(x[:, :1])
        heads = tf.gather(ops.transpose(heads, (0, 2, 3, 1)), ops.transpose(order, (0, 1, 3, 2)),
                          batch_dims=3)  # fmt: skip
        return self.head(x) + ops.mean(heads, axis=(1, 2))[:, :, None]


@pytest.mark.parametrize("length", [3, 4, 9])
def test_places_are_counted_from_either_end_of_an_open_length(length):
    model = nets.built(Counts, np.zeros((2, 7), "int32"))
    opened = tfprune.open_up(model, keras.Input((None,), dtype="int32"))
    x = np.random.default_rng(0).integers(0, 9, (3, length)).astype("int32")
    np.testing.assert_allclose(opened(x), model(x), rtol=1e-5, atol=1e-5)
