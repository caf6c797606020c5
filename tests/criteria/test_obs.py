"""OBS: against least squares done again, and channels that others can replace."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((10,))
    x = layers.Dense(6, activation="tanh", name="hidden")(inputs)
    outputs = [layers.Dense(3, name="one")(x), layers.Dense(2, name="two")(x)]
    return keras.Model(inputs, outputs)


X = np.random.default_rng(0).normal(size=(500, 10)).astype("float32")


def naive(net, left):
    """Error of both readers, each the best on the columns left, as shares of their variances."""
    hidden = net.get_layer("hidden")(X).numpy().astype(np.float64)
    total = 0.0
    for name in ("one", "two"):
        wanted = hidden @ net.get_layer(name).kernel.numpy()
        columns = np.c_[hidden[:, left], np.ones(len(hidden))]
        best, *_ = np.linalg.lstsq(columns, wanted, rcond=None)
        total += ((wanted - columns @ best) ** 2).sum() / ((wanted - wanted.mean(0)) ** 2).sum()
    return total


def test_a_score_is_what_all_readers_lose_when_they_answer(net):
    found = tfprune.score(tfprune.analyse(net), "obs", X, greedy=False)["hidden"]
    wanted = [naive(net, [c for c in range(6) if c != channel]) for channel in range(6)]
    np.testing.assert_allclose(found, wanted, rtol=0.03)


def test_greedy_scores_rise_in_the_order_in_which_channels_go(net):
    found = tfprune.score(tfprune.analyse(net), "obs", X)["hidden"]
    order = np.argsort(found)
    each = tfprune.score(tfprune.analyse(net), "obs", X, greedy=False)["hidden"]
    assert order[0] == each.argmin()
    left = [int(c) for c in order[3:]]
    others = [naive(net, [*left[:-1], int(c)]) for c in order[:3]]
    assert naive(net, left) <= min(others) + 0.05


def test_of_two_equal_channels_only_one_is_replaceable(net):
    twin = keras.models.clone_model(net)
    twin.set_weights(net.get_weights())
    kernel, bias = net.get_layer("hidden").get_weights()
    kernel[:, 4], bias[4] = kernel[:, 1], bias[1]
    twin.get_layer("hidden").set_weights([kernel, bias])
    graph = tfprune.analyse(twin)
    each, greedy = (tfprune.score(graph, "obs", X, greedy=g)["hidden"] for g in (False, True))
    assert max(each[[1, 4]]) < 0.1 * np.delete(each, [1, 4]).min()
    assert min(greedy[[1, 4]]) < 0.1 * np.delete(greedy, [1, 4]).min() < max(greedy[[1, 4]])


def test_permuted_channels_have_permuted_scores(net):
    order = np.array([3, 0, 5, 1, 4, 2])
    other = keras.models.clone_model(net)
    other.set_weights(net.get_weights())
    kernel, bias = net.get_layer("hidden").get_weights()
    other.get_layer("hidden").set_weights([kernel[:, order], bias[order]])
    for name in ("one", "two"):
        kernel, bias = net.get_layer(name).get_weights()
        other.get_layer(name).set_weights([kernel[order], bias])
    a, b = (tfprune.score(tfprune.analyse(m), "obs", X)["hidden"] for m in (net, other))
    np.testing.assert_allclose(b, a[order], rtol=1e-3)


def test_it_needs_data_but_no_labels(net):
    graph = tfprune.analyse(net)
    with pytest.raises(PruningError, match="'obs' needs data"):
        tfprune.score(graph, "obs", None)
    plain = tfprune.score(graph, "obs", X)["hidden"]
    labelled = tfprune.score(graph, "obs", (X, np.zeros(500, int)))["hidden"]
    assert (plain == labelled).all()
