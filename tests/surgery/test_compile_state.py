"""Optimizer slots follow their own variables, also where two have one path."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune


def inner(name):
    vector = keras.Input((4,))
    x = layers.Dense(6, name="a")(vector)
    return keras.Model(vector, layers.Dense(3, name="b")(x), name=name)


@pytest.mark.parametrize("optimizer", ["adam", keras.optimizers.SGD(0.1, momentum=0.9)])
def test_slots_of_inner_models_with_equal_layer_names(optimizer):
    vector = keras.Input((4,))
    x = layers.Add()([inner("p")(vector), inner("q")(vector)])
    model = keras.Model(vector, layers.Dense(2, name="out")(x))
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    model.fit(rng.random((8, 4)), rng.random((8, 2)), verbose=0)
    keep = {
        "p/a": np.array([True, True, False, False, True, True]),
        "q/a": np.array([False, True, True, True, False, False]),
    }
    small = tfprune.rebuild(tfprune.analyse(model), keep, optimizer_state=True)
    old, new = (
        [v.numpy() for v in m.optimizer.variables if v.name.startswith("a_kernel_momentum")]
        for m in (model, small)
    )
    assert np.abs(old).min() > 0
    np.testing.assert_array_equal(new[0], old[0][:, keep["p/a"]])
    np.testing.assert_array_equal(new[1], old[1][:, keep["q/a"]])
