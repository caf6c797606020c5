"""The calls of a model: in order, its own only, nested models opened."""

import keras
from keras import layers

from tfprune.graph.layer_calls import calls


def names(model):
    return [call.operation.name for call in calls(model)]


def test_calls_come_in_an_order_in_which_they_can_be_made():
    x = keras.Input((4,), name="x")
    a = layers.Dense(3, name="a")(x)
    b = layers.Dense(3, name="b")(a)
    model = keras.Model(x, layers.Add(name="sum")([a, b]))
    assert names(model) == ["a", "b", "sum"]
    *_, last = calls(model)
    assert [x.shape for x in last.inputs] == [(None, 3), (None, 3)]
    assert [x is y for x, y in zip(last.inputs, (a, b), strict=True)] == [True, True]
    assert last.outputs[0] is model.output


def test_a_shared_layer_is_called_as_often_as_this_model_calls_it():
    shared = layers.Dense(4, name="shared")
    x, elsewhere = keras.Input((4,)), keras.Input((4,))
    keras.Model(elsewhere, shared(elsewhere))
    assert names(keras.Model(x, shared(shared(x)))) == ["shared", "shared"]


def test_operations_without_a_layer_are_calls_too():
    x = keras.Input((4,))
    (call,) = calls(keras.Model(x, keras.ops.relu(x)))
    assert type(call.operation).__name__ == "Relu"


def test_nested_models_are_opened():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="inside")], name="inner")
    x = keras.Input((4,))
    outer = keras.Model(x, inner(layers.Dense(4, name="before")(inner(x))))
    assert names(outer) == ["inside", "before", "inside"]
