"""The projections within an attention are solved anew, as layers of their own."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.property.growing import enliven
from tests.reconstruction.linear import KEEP, MIX, assert_recovered, behind_dense, samples

RNG = np.random.default_rng(5)


def alone(layer):
    x = keras.Input((5, 8))
    model = keras.Model(x, layers.Dense(3, name="out")(layer(x, x)))
    enliven(model, 0)
    return model


def change(dense, function):
    """Give a projection's kernel [in, heads, size] and bias [heads, size] other values."""
    dense.set_weights([function(weight.numpy()) for weight in dense.weights])


def second_half_from_first(values, mix):
    """Make the second half of the heads what `mix` makes of the first."""
    half = values.shape[-2] // 2
    return np.concatenate([values[..., :half, :], values[..., :half, :] @ mix], axis=-2)


def lost_places_from_others(values):
    return np.concatenate([values[..., :4], values[..., :4] @ MIX], axis=-1)


@pytest.mark.parametrize("kind", ["stock", "grouped"])
def test_heads_that_others_can_replace(kind):
    layer = {
        "stock": lambda: layers.MultiHeadAttention(4, 6, name="attention"),
        "grouped": lambda: layers.GroupQueryAttention(6, 4, 2, name="attention"),
    }[kind]()
    model = alone(layer)
    for name, mix in (("query", np.eye(6)), ("key", np.eye(6)), ("value", RNG.normal(size=(6, 6)))):
        change(getattr(layer, f"_{name}_dense"), lambda x, m=mix: second_half_from_first(x, m))
    count = len(tfprune.analyse(model).producers["attention/heads"])
    found = assert_recovered(model, {"attention/heads": np.arange(count) < count // 2})
    parts = [f"attention/{name}" for name in ("query", "key", "value", "output")]
    assert {fit.layer for fit in found.layers} == {*parts, "out"}
    assert not any(fit.skipped for fit in found.layers)


def test_places_that_others_can_replace():
    layer = layers.MultiHeadAttention(2, 3, 6, name="attention")
    model = alone(layer)
    change(layer._value_dense, lost_places_from_others)
    assert_recovered(model, {"attention/value_dim": KEEP})


@pytest.mark.parametrize("places", [{}, {"attention/key_dim": np.arange(4) < 2}])
def test_projections_read_what_is_left_of_a_stream(places):
    """Lost places of the keys are 0: scores need none of them, and keep their scale."""
    layer = layers.MultiHeadAttention(2, 4, output_shape=5, name="attention")
    model = behind_dense(lambda x: layer(x, x), (4,))
    change(layer._key_dense, lambda x: x * (np.arange(4) < 2))
    assert_recovered(model, {"made": KEEP, **places})


def attended(layer, x):
    """What the output's projection of a stock attention reads, [N, T, heads, size], by numpy."""
    q, k, v = (
        np.einsum("nti,ihs->nths", x, w.numpy()) + b.numpy()
        for w, b in (getattr(layer, f"_{name}_dense").weights for name in ("query", "key", "value"))
    )
    scores = np.exp(np.einsum("nths,nuhs->nhtu", q, k) / np.sqrt(q.shape[-1]))
    return np.einsum("nhtu,nuhs->nths", scores / scores.sum(-1, keepdims=True), v)


def test_equals_least_squares_on_the_heads_that_are_left():
    layer = layers.MultiHeadAttention(4, 3, name="attention")
    x = keras.Input((5, 8))
    model = keras.Model(x, layer(x, x))
    enliven(model, 0)
    graph, data, keep = tfprune.analyse(model), samples(model, 300), np.arange(4) % 2 == 0
    masks = {"attention/heads": keep}
    better, _ = tfprune.reconstruct(graph, masks, tfprune.rebuild(graph, masks), data)
    wanted = model.predict(data, verbose=0)
    columns = attended(layer, data)[:, :, keep].reshape(-1, 6)
    columns = np.concatenate([columns, np.ones((len(columns), 1))], axis=1)
    best = columns @ np.linalg.lstsq(columns, wanted.reshape(-1, 8), rcond=None)[0]
    least = ((best - wanted.reshape(-1, 8)) ** 2).sum()
    assert least > 0.01 * ((wanted - wanted.mean((0, 1))) ** 2).sum()
    received = ((better.predict(data, verbose=0) - wanted) ** 2).sum()
    assert 0.999 * least < received < 1.01 * least


def test_obs_judges_heads_and_places_by_what_reads_them():
    layer = layers.MultiHeadAttention(4, 3, name="attention")
    x = keras.Input((5, 8))
    model = keras.Model(x, layer(x, x))
    enliven(model, 0)
    data = samples(model, 60)
    scores = tfprune.score(tfprune.analyse(model), "obs", data, greedy=False)
    columns = attended(layer, data).reshape(-1, 12)
    moments = np.cov(columns.T, bias=True)
    inverse = np.linalg.inv(moments + 1e-3 * np.diag(np.diag(moments)))
    weights = layer._output_dense.kernel.numpy().reshape(12, 8)
    spread = model.predict(data, verbose=0).reshape(-1, 8).var(0).sum()

    def worth(own):
        return np.trace(weights[own].T @ np.linalg.inv(inverse[own][:, own]) @ weights[own])

    number = np.arange(12).reshape(4, 3)
    heads, places = (np.array([worth(own) for own in sets]) / spread for sets in (number, number.T))
    assert sorted(scores) == ["attention/heads", "attention/value_dim"]
    np.testing.assert_allclose(scores["attention/heads"], heads, rtol=1e-3)
    np.testing.assert_allclose(scores["attention/value_dim"], places, rtol=1e-3)
