"""A model for images of another size."""

import keras
import pytest
from keras import layers

from tfprune import PruningError
from tfprune.surgery.resizing import with_input_shape


def test_layers_stay_and_sizes_change():
    x = keras.Input((None, None, 3), name="image")
    y = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(5, 3, name="conv")(x))
    model = keras.Model(x, y, name="net")
    new = with_input_shape(model, (10, 8, 3))
    assert new.get_layer("conv").output.shape == (None, 8, 6, 5)
    assert model.get_layer("conv").output.shape == (None, None, None, 5)
    assert [w.shape for w in new.weights] == [w.shape for w in model.weights]


def dense_behind_flatten():
    return keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2, name="head")], name="net"
    )


def two_inputs():
    a, b = keras.Input((4, 4, 1)), keras.Input((4, 4, 1))
    return keras.Model([a, b], layers.Add()([a, b]), name="net")


def valid_convolution():
    return keras.Sequential(
        [keras.Input((None, None, 1)), layers.Conv2D(2, 5, name="conv")], name="net"
    )


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (dense_behind_flatten, (5, 4, 1), r"does not fit \(5, 4, 1\): weight .*head.*\(20, 2\)"),
        (two_inputs, (4, 4, 1), "model 'net' has 2 inputs, received 1 shapes"),
        (valid_convolution, (8, 8), r"expected 3 integers that fit .*'net', received \(8, 8\)"),
        (valid_convolution, (8, None, 1), r"expected 3 integers .*received \(8, None, 1\)"),
        (valid_convolution, (3, 3, 1), r"'net' does not fit \(3, 3, 1\): .*Take a size"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_refused(model, shape, message):
    with pytest.raises(PruningError, match=message):
        with_input_shape(model(), shape)


def test_a_sequential_model_is_resized_too():
    new = with_input_shape(valid_convolution(), (9, 8, 1))
    assert new.output_shape == (None, 5, 4, 2)
