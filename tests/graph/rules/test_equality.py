"""Every toy pruned at random computes what the masked toy computes, by two independent ways."""

import keras
import numpy as np
import pytest

import tfprune
from tests.abilities import require_channels_first
from tests.oracle import masked_outputs, reset_states
from tests.toy_models import TOYS, UNSAVEABLE, random_keep
from tfprune.surgery.verification import random_inputs

# Keras warns of every mask that enters a model within the model.
pytestmark = pytest.mark.filterwarnings("ignore:Layer 'block'")


def outputs(model, inputs):
    reset_states(model)
    return [np.asarray(y, np.float64) for y in keras.tree.flatten(model(inputs, training=False))]


def largest(first, second):
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("name", TOYS)
def test_rebuilt_equals_masked(name, tmp_path):
    require_channels_first(name)
    toy = TOYS[name]()
    inputs = random_inputs(toy.model, 0) if toy.inputs is None else toy.inputs
    graph = tfprune.analyse(toy.model)
    whole = outputs(toy.model, inputs)
    for seed in range(2):
        keep = random_keep(toy.units, seed, toy.always)
        small = tfprune.rebuild(graph, keep)
        check = tfprune.verify(graph, keep, small, inputs=inputs)
        assert check.relative <= 1e-5

        expected, got = masked_outputs(toy.model, keep, inputs), outputs(small, inputs)
        scale = max(np.abs(y).max() for y in expected)
        assert scale > 0
        assert largest(expected, got) <= toy.tolerance * scale
        if not all(mask.all() for mask in keep.values()):
            assert small.count_params() < toy.model.count_params()
            assert largest(expected, whole) > 1e-3 * scale
    if name in UNSAVEABLE:
        return
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    assert largest(outputs(loaded, inputs), got) == 0
