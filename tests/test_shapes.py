"""Models of shapes alone leave nothing behind."""

import keras

from tests.shapes import shapes_only


def test_variables_get_no_values_later_either():
    with shapes_only():
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
    with keras.StatelessScope():
        keras.layers.Dense(2).build((None, 3))  # at its end Keras makes the values that wait
    assert layer.kernel.shape == (3, 2)
    assert layer.kernel._value is None
