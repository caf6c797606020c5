"""A batch in parts: the same step as at once, wherever its samples do not see one another."""

import keras
import numpy as np
import pytest

from tfprune.errors import PruningError
from tfprune.training import Distillation, Recipe, fine_tune

from .toys import blobs, largest_difference, network

SETTINGS = {"epochs": 2, "learning_rate": 0.1, "batch_size": 16, "schedule": "cosine"}


def two_heads():
    keras.utils.set_random_seed(1)
    x = keras.Input((5,))
    hidden = keras.layers.Dense(8, "relu", kernel_regularizer="l2", name="hidden")(x)
    heads = [keras.layers.Dense(3, "softmax", name=name)(hidden) for name in ("head", "aux")]
    return keras.Model(x, heads)


CASES = {
    "plain": (lambda: network(normalise=False), {}),
    "decay and clipping": (
        lambda: network(normalise=False),
        {"weight_decay": 0.1, "clip_norm": 0.3},
    ),
    "teacher": (
        lambda: network(normalise=False),
        {"teacher": Distillation(network(seed=3)), "optimizer": "adam"},
    ),
    "two heads": (two_heads, {"loss_weights": [1.0, 0.4]}),
    "half precision": (lambda: network(normalise=False), {"precision": "mixed_float16"}),
}


DEFAULT = [("decay and clipping", 3), ("two heads", 3)]
OTHERS = [("plain", 3), ("plain", 100), ("teacher", 3), ("half precision", 3)]


@pytest.mark.parametrize(
    ("case", "parts"),
    [*DEFAULT, *(pytest.param(*case, marks=pytest.mark.slow) for case in OTHERS)],
)
def test_a_batch_in_parts_makes_the_step_of_the_whole(case, parts):
    make, settings = CASES[case]
    model, (x, labels) = make(), blobs(38)  # 16, 16 and 6
    weights = np.random.default_rng(0).uniform(0.5, 2, 38).astype("float32")
    several = len(model.outputs) > 1
    data = (x, (labels, labels)) if several else (x, labels, weights)
    settings = {**SETTINGS, **settings}
    whole, history = fine_tune(model, data, validation=data, **settings)
    found, parted = fine_tune(model, data, validation=data, accumulate=parts, **settings)
    tolerance = 2e-3 if "precision" in settings else 1e-5
    assert largest_difference(found, whole) < tolerance
    assert largest_difference(whole, model) > 0.01
    for name, values in history.metrics.items():
        assert parted.metrics[name] == pytest.approx(values, rel=max(tolerance, 1e-5)), name


@pytest.mark.slow
def test_batch_normalisation_sees_a_part():
    data = blobs(16)
    found, _ = fine_tune(network(), data, accumulate=4, **SETTINGS)
    whole, _ = fine_tune(network(), data, **SETTINGS)
    # Four updates per step at momentum 0.9, not one.
    kept = [model.get_layer("norm").moving_variance.numpy() for model in (found, whole)]
    assert np.abs(kept[0] - 1).mean() > 2 * np.abs(kept[1] - 1).mean()
    assert largest_difference(found, whole) < 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"accumulate": 0}, r"accumulate must be at least 1"),
        ({"accumulate": 1.5}, r"accumulate must be a whole number"),
        ({"accumulate": 2, "sync_batch_norm": True}, r"sync_batch_norm contradicts accumulate=2"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(PruningError, match=message):
        Recipe(epochs=1, **settings)
