"""Sparse training: one step against loops over units, and channels that vanish."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tests.schedules.test_layer_by_layer import residual
from tests.schedules.test_soft import data
from tfprune.schedules import SparseTraining, sparse
from tfprune.schedules._shrinking import shrinking


def chain():
    """Image -> a(4) -> BN -> b(3) -> BN without scale -> head(2), pinned."""
    image = keras.Input((2, 2, 3))
    x = layers.Conv2D(4, 1, name="a")(image)
    x = layers.BatchNormalization(name="a_bn")(x)
    x = layers.Conv2D(3, 1, use_bias=False, name="b")(x)
    x = layers.BatchNormalization(scale=False, name="b_bn")(x)
    model = keras.Model(image, layers.Dense(2, name="head")(layers.Flatten()(x)))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def weights(model):
    return {w.path: np.array(w.numpy()) for w in model.weights}


def test_a_step_on_units_takes_a_length_off_the_norm_of_all_their_weights():
    model, length = chain(), 0.7
    old = weights(model)
    a = [[old["a/kernel"][..., c], old["a/bias"][c], old["a_bn/gamma"][c], old["a_bn/beta"][c],
          old["b/kernel"][:, :, c]] for c in range(4)]  # fmt: skip
    b = [[old["b/kernel"][..., c], old["b_bn/beta"][c], old["head/kernel"][c::3]] for c in range(3)]
    fa, fb = (
        np.array([max(0, 1 - length / np.sqrt(sum(np.sum(p * p) for p in unit))) for unit in units])
        for units in (a, b)
    )
    shrinking(tfprune.analyse(model), "units")(tf.constant(length))
    new = weights(model)
    for path, factor in {
        "a/kernel": fa, "a/bias": fa, "a_bn/gamma": fa, "a_bn/beta": fa,
        "b/kernel": fa[:, None] * fb, "b_bn/beta": fb, "head/kernel": np.tile(fb, 4)[:, None],
    }.items():  # fmt: skip
        np.testing.assert_allclose(new[path], old[path] * factor, rtol=1e-5, err_msg=path)
    for path in ("head/bias", "a_bn/moving_mean", "a_bn/moving_variance", "b_bn/moving_mean"):
        np.testing.assert_array_equal(new[path], old[path], err_msg=path)


def test_a_step_on_scales_is_a_soft_threshold_of_each():
    model = chain()
    old = weights(model)
    shrinking(tfprune.analyse(model), "scales")(tf.constant(0.3))
    new, gamma = weights(model), old["a_bn/gamma"]
    wanted = np.sign(gamma) * np.maximum(np.abs(gamma) - 0.3, 0)
    np.testing.assert_allclose(new["a_bn/gamma"], wanted, atol=1e-6)
    for path in set(old) - {"a_bn/gamma"}:
        np.testing.assert_array_equal(new[path], old[path], err_msg=path)


def test_what_is_zero_stays_zero_and_finite():
    model = chain()
    model.set_weights([0 * w for w in model.get_weights()])
    shrinking(tfprune.analyse(model), "units")(tf.constant(0.5))
    assert all(not w.any() for w in model.get_weights())


def test_the_length_is_the_learning_rate_times_the_penalty():
    model = chain()
    callback = SparseTraining(0.5, "scales")
    model.compile(keras.optimizers.SGD(0.2), "mse")
    callback.set_model(model)
    callback.on_train_begin()
    before = np.abs(model.get_layer("a_bn").gamma.numpy())
    callback.on_train_batch_end(0)
    after = np.abs(model.get_layer("a_bn").gamma.numpy())
    np.testing.assert_allclose(after, np.maximum(before - 0.1, 0), atol=1e-6)


def fine_tuned(called):
    def train(model, name, callbacks):
        called.append(name)
        return tfprune.fine_tune(
            model, data(), epochs=2, learning_rate=0.05, batch_size=8, callbacks=callbacks
        )[0]

    return train


def test_a_strong_penalty_empties_units_and_those_go():
    called = []
    small, report = sparse(residual(), None, fine_tuned(called), penalty=20.0, macs=0.5)
    assert called == ["sparse"]
    norms = np.concatenate([report.scores[name] for name in report.scores if name != "head"])
    gone = np.concatenate([~report.keep[name] for name in report.scores if name != "head"])
    assert (norms == 0).any()
    assert gone[norms == 0].any()
    assert tfprune.cost(small).macs < 0.6 * tfprune.cost(residual()).macs


def test_network_slimming_is_scales_and_bn_scale():
    _, report = sparse(
        residual(), None, fine_tuned([]), method="bn_scale", penalised="scales", penalty=5.0,
        ratio=0.3,
    )  # fmt: skip
    assert min(values.min() for values in report.scores.values()) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"penalty": 0}, "penalty must be a number above 0, received 0"),
        ({"penalty": True}, "penalty must be a number above 0, received True"),
        ({"penalised": "kernels"}, "Unknown kind of weights to penalise 'kernels'.*scales, units"),
        ({"ratio": 1.5}, r"ratio must lie in \[0, 1\)"),
        ({"method": "l5"}, "Unknown method 'l5'"),
    ],
)
def test_what_is_wrong_is_refused_before_training(settings, message):
    def never(*args, **kwargs):
        raise AssertionError("trained")

    with pytest.raises(tfprune.PruningError, match=message):
        sparse(residual(), None, never, **({"ratio": 0.5} | settings))


def test_scales_need_a_normalisation():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    with pytest.raises(tfprune.PruningError, match="'scales' needs batch normalisation.*has none"):
        sparse(model, None, None, penalised="scales", ratio=0.5)
