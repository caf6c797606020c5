"""What is told of a file and of the model does not change places."""

import keras
import numpy as np

from tfprune.exporting import _signature
from tfprune.exporting.comparing import compare


def test_the_models_share_of_right_answers_comes_first():
    x = keras.Input((2,), name="x")
    model = keras.Model(x, keras.layers.Rescaling(1.0, name="same")(x))
    inputs = np.array([[0, 1], [1, 0], [0, 1], [0, 1]], "float32")
    flat = _signature.Flat([inputs], np.array([1, 0, 1, 0]))
    found = compare(model, lambda arrays: [np.eye(2)[[1, 1, 1, 1]]], [flat]).check()
    assert found.accuracy == (0.75, 0.5)
    assert found.agreement == 0.75
    assert found.samples == 4
