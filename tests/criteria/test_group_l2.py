"""DepGraph's group norm against loops over units, written for each toy by hand."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune


def residual():
    """Image -> a(4) -> BN -> b(4) -> BN, + BN(a) -> c(3, depthwise d) -> flat -> head(2)."""
    image = keras.Input((2, 2, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    x = layers.BatchNormalization(name="a_bn")(a)
    y = layers.Conv2D(4, 1, use_bias=False, name="b")(x)
    y = layers.BatchNormalization(name="b_bn", scale=False)(y)
    x = layers.Add()([x, y])
    x = layers.Conv2D(3, 1, name="c")(x)
    x = layers.DepthwiseConv2D(1, name="d")(x)
    model = keras.Model(image, layers.Dense(2, name="head")(layers.Flatten()(x)))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def naive(model):
    """[coupled set: squared norm of each unit], every weight of a unit named one by one."""
    w = {v.path: np.float64(v.numpy()) for v in model.weights}
    stream = [
        [
            w["a/kernel"][..., c], w["a/bias"][c], w["a_bn/gamma"][c], w["a_bn/beta"][c],
            w["b/kernel"][..., c], w["b/kernel"][:, :, c], w["b_bn/beta"][c],
            w["c/kernel"][:, :, c],
        ]
        for c in range(4)
    ]  # fmt: skip
    inner = [
        [
            w["c/kernel"][..., c], w["c/bias"][c], w["d/kernel"][:, :, c], w["d/bias"][c],
            w["head/kernel"][c::3],  # four places of each channel
        ]
        for c in range(3)
    ]  # fmt: skip
    return [np.array([sum(np.sum(p * p) for p in parts) for parts in units])
            for units in (stream, inner)]  # fmt: skip


def test_it_equals_a_loop_over_all_weights_of_each_unit():
    model = residual()
    scores = tfprune.score(tfprune.analyse(model), "group_l2", None)
    stream, inner = naive(model)
    for name, squares in {"a": stream, "b": stream, "c": inner}.items():
        np.testing.assert_allclose(scores[name], squares / squares.mean(), rtol=1e-6, err_msg=name)


def test_running_statistics_do_not_count():
    model = residual()
    before = tfprune.score(tfprune.analyse(model), "group_l2", None)
    model.get_layer("a_bn").moving_mean.assign(np.full(4, 1e3))
    model.get_layer("a_bn").moving_variance.assign(np.arange(4) * 1e3)
    after = tfprune.score(tfprune.analyse(model), "group_l2", None)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_a_frozen_layer_counts_as_any_other():
    model = residual()
    before = tfprune.score(tfprune.analyse(model), "group_l2", None)
    model.trainable = False
    after = tfprune.score(tfprune.analyse(model), "group_l2", None)
    np.testing.assert_array_equal(before["c"], after["c"])


def test_layers_are_ranked_together_as_they_are():
    model = residual()
    scores = tfprune.score(tfprune.analyse(model), "group_l2", None)
    assert scores.scope == "global"
    assert scores.comparable
    model.get_layer("c").set_weights([100 * x for x in model.get_layer("c").get_weights()])
    scaled = tfprune.score(tfprune.analyse(model), "group_l2", None)
    assert scaled["c"].mean() == pytest.approx(1)


def test_a_set_without_any_weight_but_zeros_scores_zero():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3, name="a"), layers.Dense(1)])
    model.set_weights([0 * x for x in model.get_weights()])
    scores = tfprune.score(tfprune.analyse(model), "group_l2", None)
    np.testing.assert_array_equal(scores["a"], np.zeros(3))
