"""A rebuilt model is compiled as the old one was, and its training can go on."""

import keras
import numpy as np
import pytest

import tfprune
from tests.toy_models import TOYS

KEEP = {"a": np.array([True, False, True, True]), "b": np.array([False, True, True])}
SLICES = {  # what the masks leave of each variable, written by hand
    "a/kernel": (..., [0, 2, 3]),
    "a/bias": ([0, 2, 3],),
    "bn/gamma": ([0, 2, 3],),
    "bn/beta": ([0, 2, 3],),
    "b/kernel": np.ix_([0], [0], [0, 2, 3], [1, 2]),
    "b/bias": ([1, 2],),
    "head/kernel": ([1, 2], ...),
    "head/bias": (...,),
}


@pytest.fixture
def trained():
    model = TOYS["compiled"]().model
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(8, 4, 4, 3)).astype("float32"), rng.integers(0, 2, 8)
    model.fit(images, labels, epochs=2, batch_size=4, verbose=0)
    return model, images, labels


def test_momenta_follow_the_weights(trained):
    model, _, _ = trained
    small = tfprune.rebuild(tfprune.analyse(model), KEEP, optimizer_state=True)
    assert int(small.optimizer.iterations) == int(model.optimizer.iterations) == 4
    new = dict(
        zip([v.path for v in small.trainable_variables], small.optimizer.momentums, strict=True)
    )
    old = dict(
        zip([v.path for v in model.trainable_variables], model.optimizer.momentums, strict=True)
    )
    assert set(new) == set(SLICES)
    for path, cut in SLICES.items():
        assert np.abs(old[path]).max() > 0
        np.testing.assert_array_equal(new[path], old[path].numpy()[cut])


def test_momenta_are_fresh_unless_asked_for(trained):
    model, _, _ = trained
    small = tfprune.rebuild(tfprune.analyse(model), KEEP)
    assert int(small.optimizer.iterations) == 0
    assert all(np.abs(m).max() == 0 for m in small.optimizer.momentums)


def test_training_goes_on(trained):
    model, images, labels = trained
    small = tfprune.rebuild(tfprune.analyse(model), KEEP, optimizer_state=True)
    before = [weight.numpy() for weight in small.trainable_weights]
    untouched = [weight.numpy() for weight in model.weights]
    history = small.fit(images, labels, batch_size=4, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    pairs = zip(before, small.trainable_weights, strict=True)
    changed = [w.path for old, w in pairs if (old != w.numpy()).any()]
    assert {"a/kernel", "b/kernel", "head/kernel", "head/bias"} <= set(changed)
    for old, weight in zip(untouched, model.weights, strict=True):
        np.testing.assert_array_equal(old, weight)


def test_compile_state_is_kept(trained):
    model, _, _ = trained
    small = tfprune.rebuild(tfprune.analyse(model), KEEP)
    assert small.optimizer is not model.optimizer
    assert small.optimizer.get_config() == model.optimizer.get_config()
    assert small.loss is model.loss
    assert small.get_compile_config().keys() == model.get_compile_config().keys()


def test_penalties_are_kept():
    toy = TOYS["penalised"]()
    small = tfprune.rebuild(tfprune.analyse(toy.model), KEEP)
    images = np.ones((1, 4, 4, 3), "float32")  # of several, Keras took the sum before 3.14
    small(images)
    kernel, bias = (w.numpy() for w in small.get_layer("a").weights)
    expected = 1e-3 * (kernel**2).sum() + 0.01 * np.abs(bias).sum()
    activity = keras.Model(small.input, small.get_layer("a").output)(images)
    expected += 1e-2 * (np.asarray(activity) ** 2).sum()
    assert sum(map(float, small.losses)) == pytest.approx(expected, rel=1e-5)
    assert small.get_layer("a").kernel_constraint.max_value == 2.0


def test_optimizer_state_of_a_model_without_any():
    toy = TOYS["chain"]()
    with pytest.raises(tfprune.PruningError, match="has no optimizer state to carry over"):
        tfprune.rebuild(tfprune.analyse(toy.model), {}, optimizer_state=True)


def test_adam_under_mixed_precision_goes_on():
    toy = TOYS["mixed_precision"]()
    toy.model.compile("adam", "mse")
    images, targets = np.ones((4, 4, 4, 3), "float32"), np.ones((4, 2), "float32")
    toy.model.fit(images, targets, verbose=0)
    small = tfprune.rebuild(tfprune.analyse(toy.model), KEEP, optimizer_state=True)
    assert small.optimizer.built
    old = dict(zip([v.path for v in toy.model.trainable_variables],
                   toy.model.optimizer._velocities, strict=True))  # fmt: skip
    new = dict(zip([v.path for v in small.trainable_variables],
                   small.optimizer._velocities, strict=True))  # fmt: skip
    np.testing.assert_array_equal(new["a/kernel"], old["a/kernel"].numpy()[..., [0, 2, 3]])
    small.fit(images, targets, verbose=0)
