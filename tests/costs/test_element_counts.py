"""Elements besides the kernels, against sizes written out."""

import keras
import pytest
from keras import layers

from tfprune.costs.element_counts import Elements, count_elements


def count(build, shape=(8, 6, 4)):
    """The elements of the layer named "it"."""
    x = keras.Input(shape)
    model = keras.Model(x, build(x))
    return count_elements(model).get(id(model.get_layer("it")), Elements())


CASES = {
    "conv": (layers.Conv2D(5, 3, name="it"), Elements(conv_bias=6 * 4 * 5)),
    "conv without bias": (layers.Conv2D(5, 3, use_bias=False, name="it"), Elements()),
    "depthwise": (layers.DepthwiseConv2D(3, name="it"), Elements(conv_bias=6 * 4 * 4)),
    "separable": (layers.SeparableConv2D(5, 3, name="it"), Elements(conv_bias=6 * 4 * 5)),
    "transposed": (layers.Conv2DTranspose(5, 2, 2, name="it"), Elements(conv_bias=16 * 12 * 5)),
    "dense on a map": (layers.Dense(7, name="it"), Elements(dense_bias=8 * 6 * 7)),
    "dense with relu": (
        layers.Dense(7, activation="relu", name="it"),
        Elements(dense_bias=8 * 6 * 7, rectified=8 * 6 * 7),
    ),
    "batch norm": (layers.BatchNormalization(name="it"), Elements(norm=8 * 6 * 4)),
    "group norm": (layers.GroupNormalization(2, name="it"), Elements()),
    "relu": (layers.ReLU(name="it"), Elements(rectified=8 * 6 * 4)),
    "relu by name": (layers.Activation("relu6", name="it"), Elements(rectified=8 * 6 * 4)),
    "softmax": (layers.Activation("softmax", name="it"), Elements()),
    "max pooling": (
        layers.MaxPooling2D(2, name="it"),
        Elements(pool_inputs=8 * 6 * 4, pool_outputs=4 * 3 * 4),
    ),
    "global pooling": (
        layers.GlobalAveragePooling2D(name="it"),
        Elements(pool_inputs=8 * 6 * 4, pool_outputs=4),
    ),
    "flatten": (layers.Flatten(name="it"), Elements()),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind(case):
    layer, expected = CASES[case]
    assert count(layer) == expected


def test_the_zeros_of_a_padding_layer_are_no_inputs_of_the_pooling():
    def padded(x):
        return layers.MaxPooling2D(3, 2, name="it")(layers.ZeroPadding2D(1)(x))

    assert count(padded) == Elements(pool_inputs=8 * 6 * 4, pool_outputs=4 * 3 * 4)


def test_all_calls_of_a_shared_layer_add_up():
    relu = layers.ReLU(name="it")
    assert count(lambda x: relu(layers.MaxPooling2D(2)(relu(x)))).rectified == 192 + 48


def test_calls_of_another_model_do_not_count():
    relu = layers.ReLU(name="it")
    x = keras.Input((3,))
    keras.Model(x, relu(x))
    assert count(relu).rectified == 192


def test_nested_models_count_at_each_call():
    inner = keras.Sequential([keras.Input((4,)), layers.ReLU(name="relu")], name="inner")
    x = keras.Input((4,))
    model = keras.Model(x, inner(inner(x)))
    assert count_elements(model)[id(inner.get_layer("relu"))].rectified == 8


def test_plain_operations_count_nothing():
    x = keras.Input((8, 6, 4))
    assert count_elements(keras.Model(x, keras.ops.relu(keras.ops.max_pool(x, 2)))) == {}


def test_on_maps_of_unknown_size_the_count_is_unknown():
    found = count(layers.ReLU(name="it"), (None, None, 4))
    assert found.rectified is None
    assert (found + Elements(rectified=3, norm=2)) == Elements(rectified=None, norm=2)
