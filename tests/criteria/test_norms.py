"""Filter norms against loops over channels."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune


def model():
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(5, 3, name="conv")(image)
    x = layers.Conv2DTranspose(4, 2, name="transposed")(x)
    x = layers.SeparableConv2D(3, 2, depth_multiplier=2, name="separable")(x)
    x = layers.Dense(7, name="dense")(x)
    x = layers.Reshape((-1, 7))(x)
    x = layers.GRU(6, name="gru")(x)
    return keras.Model(image, layers.Dense(2, name="head")(x))


def filters(model):
    """{layer: list of the arrays of weights that make each channel}."""
    kernel = {layer.name: [np.float64(w.numpy()) for w in layer.weights] for layer in model.layers}
    gru = kernel["gru"]
    return {
        "conv": [kernel["conv"][0][..., c] for c in range(5)],
        "transposed": [kernel["transposed"][0][..., c, :] for c in range(4)],
        "separable": [kernel["separable"][1][..., c] for c in range(3)],
        "dense": [kernel["dense"][0][:, c] for c in range(7)],
        "gru": [np.concatenate([w[:, c::6].ravel() for w in gru[:2]]) for c in range(6)],
        "head": [kernel["head"][0][:, c] for c in range(2)],
    }


@pytest.mark.parametrize(
    ("criterion", "norm"),
    [("l1", lambda w: np.abs(w).sum()), ("l2", lambda w: np.sqrt((w * w).sum()))],
)
def test_norms_equal_loops_over_filters(criterion, norm):
    net = model()
    scores = tfprune.score(tfprune.analyse(net), criterion, None)
    assert set(scores) == set(filters(net))
    for name, weights in filters(net).items():
        np.testing.assert_allclose(scores[name], [norm(w) for w in weights], rtol=1e-6)


def test_random_scores_follow_their_seed():
    graph = tfprune.analyse(model())
    first, same, other = (tfprune.score(graph, "random", None, seed=s)["conv"] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_permuting_the_channels_permutes_the_scores():
    net = model()
    scores = tfprune.score(tfprune.analyse(net), "l1", None)["conv"]
    order = np.array([3, 0, 4, 1, 2])
    conv = net.get_layer("conv")
    conv.set_weights([w[..., order] for w in conv.get_weights()])
    permuted = tfprune.score(tfprune.analyse(net), "l1", None)["conv"]
    np.testing.assert_array_equal(permuted, scores[order])


def test_an_unknown_criterion_lists_the_valid_ones():
    with pytest.raises(tfprune.PruningError, match="Unknown criterion 'l3'.*l1, l2, obs, random"):
        tfprune.score(tfprune.analyse(model()), "l3", None)


@pytest.mark.parametrize("seed", ["x", -1, 0.5])
def test_a_seed_of_another_kind_is_refused(seed):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    with pytest.raises(tfprune.PruningError, match=r"random: seed must be a whole number"):
        tfprune.score(tfprune.analyse(model), "random", None, seed=seed)
