"""Cumulated sums, sorting and norms, along positions and along channels."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.masks import random_masks
from tests.oracle import masked_outputs
from tests.property.growing import enliven

STEPS = {
    "cumsum": lambda x, axis: ops.cumsum(x, axis=axis),
    "cumprod": lambda x, axis: ops.cumprod(x, axis=axis),
    "sort": lambda x, axis: ops.sort(x, axis=axis),
    "argsort": lambda x, axis: ops.cast(ops.argsort(x, axis=axis), "float32") * x,
    "normalize": lambda x, axis: ops.normalize(x, axis=axis),
}


def model_of(step, axis):
    x = keras.Input((5, 3))
    y = STEPS[step](layers.Dense(6, name="made")(x), axis)
    model = keras.Model(x, layers.Dense(2)(y))
    enliven(model, 0)
    return model


@pytest.mark.parametrize("axis", [1, -2])
@pytest.mark.parametrize("step", STEPS)
def test_along_positions_each_channel_has_its_own(step, axis):
    model = model_of(step, axis)
    graph = tfprune.analyse(model)
    assert len(set(graph.units_of("made").tolist())) == 6
    keep = random_masks(graph, 0.5, 0)
    assert not keep["made"].all()
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    (wanted,) = masked_outputs(model, keep, x)
    received = tfprune.rebuild(graph, keep)(x)
    np.testing.assert_allclose(received, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("step", [step for step in STEPS if step != "normalize"])
def test_along_channels_they_stay_with_the_reason(step):
    graph = tfprune.analyse(model_of(step, -1))
    assert not graph.free("made").any()
    assert "works along the channels" in graph.pinned[graph.units_of("made")[0]]


def test_of_all_axes_as_one_nothing_goes():
    x = keras.Input(batch_shape=(2, 5, 3))
    y = ops.reshape(ops.cumsum(layers.Dense(6, name="made")(x)), (2, 30))
    graph = tfprune.analyse(keras.Model(x, layers.Dense(2)(y)))
    assert "works on all axes as one" in graph.pinned[graph.units_of("made")[0]]
