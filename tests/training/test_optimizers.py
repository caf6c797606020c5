import keras
import numpy as np
import pytest

from tfprune.training import Recipe, fine_tune, optimizers

from .toys import blobs, gradients, linear

DECAY, RATE = 0.3, 0.1


def reference(x, labels, kernel, bias, step):
    """Train a linear classifier on the whole data, with wd * w added to each gradient."""
    state = {}
    for count in range(1, 4):
        for name, gradient in zip("kb", gradients(kernel, bias, x, labels), strict=True):
            weight = kernel if name == "k" else bias
            weight -= step(gradient + DECAY * weight, state, name, count)
    return kernel, bias


def heavy_ball(gradient, state, name, count):
    state[name] = 0.9 * state.get(name, 0) + gradient
    return RATE * state[name]


def nesterov(gradient, state, name, count):
    state[name] = 0.9 * state.get(name, 0) + gradient
    return RATE * (gradient + 0.9 * state[name])


def adam(gradient, state, name, count):
    m, v = state.get(name, (0, 0))
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
    state[name] = m, v
    # Keras adds its epsilon before the correction of v, not after it.
    return RATE * np.sqrt(1 - 0.999**count) / (1 - 0.9**count) * m / (np.sqrt(v) + 1e-7)


@pytest.mark.parametrize(
    ("settings", "step"),
    [
        ({"optimizer": "sgd"}, heavy_ball),
        ({"optimizer": "sgd", "nesterov": True}, nesterov),
        ({"optimizer": "adam"}, adam),
    ],
)
def test_weight_decay_is_the_l2_of_the_papers(settings, step):
    x, labels = blobs()
    model = linear()
    trained, _ = fine_tune(
        model, (x, labels), epochs=3, batch_size=48, learning_rate=RATE, weight_decay=DECAY,
        **settings,
    )  # fmt: skip
    expected = reference(x, labels, *(w.astype("float64") for w in model.get_weights()), step)
    for found, right in zip(trained.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=2e-4, atol=2e-6)
        assert np.abs(right).max() > 0.01


@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_a_gradient_is_shortened_with_its_decay_and_keeps_its_direction(decay):
    x, labels = blobs()
    model, limit = linear(), 0.05
    settings = {"epochs": 1, "batch_size": 48, "learning_rate": RATE, "momentum": 0.0}
    kernel, bias = (w.astype("float64") for w in model.get_weights())
    gradient = gradients(kernel, bias, x, labels)
    gradient = [g + decay * w for g, w in zip(gradient, (kernel, bias), strict=True)]
    norm = np.sqrt(sum((g**2).sum() for g in gradient))
    assert norm > 2 * limit
    for clip, factor in ((limit, limit / norm), (2 * norm, 1.0)):
        trained, _ = fine_tune(
            model, (x, labels), weight_decay=decay, clip_norm=float(clip), **settings
        )
        for found, old, g in zip(trained.get_weights(), (kernel, bias), gradient, strict=True):
            np.testing.assert_allclose(found, old - RATE * factor * g, rtol=1e-4, atol=1e-6)


def test_on_one_device_clipping_is_that_of_keras():
    x, labels = blobs()
    settings = {"epochs": 3, "batch_size": 16}
    clipping = keras.optimizers.SGD(RATE, momentum=0.9, nesterov=True, global_clipnorm=0.05)
    keras_s, _ = fine_tune(linear(), (x, labels), optimizer=clipping, **settings)
    settings |= {"learning_rate": RATE, "nesterov": True}
    ours, _ = fine_tune(linear(), (x, labels), clip_norm=0.05, **settings)
    free, _ = fine_tune(linear(), (x, labels), **settings)
    for one, other, third in zip(*(m.get_weights() for m in (ours, keras_s, free)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
        assert np.abs(one - third).max() > 1e-3


def test_a_scaled_loss_is_clipped_alike():
    x, labels = blobs()
    settings = {"epochs": 2, "batch_size": 48, "learning_rate": RATE, "clip_norm": 0.05}
    plain, _ = fine_tune(linear(), (x, labels), **settings)
    scaled = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(RATE, momentum=0.9), initial_scale=1024.0
    )
    settings.pop("learning_rate")
    other, _ = fine_tune(linear(), (x, labels), optimizer=scaled, **settings)
    for one, two in zip(plain.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


def test_the_papers_decay_is_not_keras_decoupled_one():
    x, labels = blobs()
    decoupled = keras.optimizers.SGD(RATE, momentum=0.9, weight_decay=DECAY)
    settings = {"epochs": 3, "batch_size": 48}
    ours, _ = fine_tune(linear(), (x, labels), learning_rate=RATE, weight_decay=DECAY, **settings)
    kerass, _ = fine_tune(linear(), (x, labels), optimizer=decoupled, **settings)
    assert np.abs(ours.get_weights()[0] - kerass.get_weights()[0]).max() > 0.01


def test_decay_all_false_leaves_vectors_out():
    kernel, bias = keras.Variable([[2.0]]), keras.Variable([3.0])
    zeros = [kernel * 0, bias * 0]
    for decay_all, expected in ((True, [1.0, 1.5]), (False, [1.0, 0.0])):
        recipe = Recipe(epochs=1, weight_decay=0.5, decay_all=decay_all)
        found = optimizers.decayed(zeros, [kernel, bias], recipe, 1.0)
        assert [float(g.numpy().item()) for g in found] == expected


def test_batch_normalisation_decays_like_the_rest_by_default():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(inputs))
    x = np.zeros((4, 5), "float32")
    settings = {"loss": "mse", "epochs": 1, "learning_rate": 0.1, "weight_decay": 0.5}
    decayed, _ = fine_tune(model, (x, x), **settings)
    np.testing.assert_allclose(decayed.get_weights()[0], 1 - 0.1 * 0.5, rtol=1e-6)  # gamma
    without, _ = fine_tune(model, (x, x), decay_all=False, **settings)
    np.testing.assert_array_equal(without.get_weights()[0], 1.0)


def test_a_keras_optimizer_is_copied():
    optimizer = keras.optimizers.RMSprop(0.01)
    trained, history = fine_tune(linear(), blobs(), optimizer=optimizer, epochs=1)
    assert not optimizer.built
    assert history.metrics["learning_rate"] == [pytest.approx(0.01)]
    assert np.abs(trained.get_weights()[0] - linear().get_weights()[0]).max() > 0.001


def test_a_whole_number_is_a_learning_rate():
    assert optimizers.rate(optimizers.build(Recipe(epochs=1, learning_rate=2))) == 2.0
