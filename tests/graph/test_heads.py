import keras
import pytest
from keras import layers

from tfprune.errors import PruningError
from tfprune.graph.heads import gives_probabilities, last_layers


def functional(*rest):
    x = inputs = keras.Input((4, 4, 3))
    for layer in rest:
        x = layer(x)
    return keras.Model(inputs, x)


def sequential(*rest):
    return keras.Sequential([keras.Input((4, 4, 3)), *rest])


ENDINGS = {
    "logits": ([layers.Flatten(), layers.Dense(3)], False),
    "softmax in Dense": ([layers.Flatten(), layers.Dense(3, "softmax")], True),
    "Softmax layer": ([layers.Flatten(), layers.Dense(3), layers.Softmax()], True),
    "Activation": ([layers.Flatten(), layers.Dense(3), layers.Activation("softmax")], True),
    "cast afterwards": (
        [layers.Flatten(), layers.Dense(3, "softmax"), layers.Activation("linear")], True),
    "SqueezeNet": ([layers.Conv2D(3, 1), layers.GlobalAveragePooling2D(), layers.Softmax()], True),
    "pooled logits": ([layers.Conv2D(3, 1), layers.GlobalAveragePooling2D()], False),
    "resized": ([layers.Conv2D(3, 1, activation="softmax"), layers.UpSampling2D()], True),
    "softmax inside": ([layers.Flatten(), layers.Dense(3, "softmax"), layers.Dense(3)], False),
    "log-softmax": ([layers.Flatten(), layers.Dense(3, "log_softmax")], False),
    "norm": ([layers.Flatten(), layers.Dense(3, "softmax"), layers.BatchNormalization()], False),
}  # fmt: skip


@pytest.mark.parametrize("build", [functional, sequential])
@pytest.mark.parametrize(("rest", "expected"), ENDINGS.values(), ids=list(ENDINGS))
def test_the_last_activation_decides(build, rest, expected):
    fresh = [layer.__class__.from_config(layer.get_config()) for layer in rest]
    assert gives_probabilities(build(*fresh)) is expected


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_nested_models_are_looked_into(activation):
    head = keras.Sequential([keras.Input((48,)), layers.Dense(3, activation)])
    assert gives_probabilities(functional(layers.Flatten(), head)) is (activation == "softmax")


def test_plain_operations_are_seen():
    x = inputs = keras.Input((5,))
    assert gives_probabilities(keras.Model(inputs, keras.ops.softmax(layers.Dense(3)(x))))
    added = keras.layers.Dense(3, "softmax")(x) + layers.Dense(3)(x)
    assert not gives_probabilities(keras.Model(inputs, added))


def test_an_activation_that_is_neither_is_refused():
    with pytest.raises(PruningError, match=r"ends in 'sigmoid': expected a softmax.*loss="):
        gives_probabilities(functional(layers.Flatten(), layers.Dense(3, "sigmoid")))


def test_a_last_layer_that_is_called_twice_is_read_by_its_last_call():
    image = keras.Input((3,))
    shared = layers.Dense(3, activation="softmax", name="shared")
    assert gives_probabilities(keras.Model(image, shared(shared(image))))
    assert not gives_probabilities(keras.Model(image, image))


def test_a_model_without_a_graph_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(PruningError, match=r"is a Own without a graph.*Give the loss"):
        gives_probabilities(Own(name="own"))


def test_the_last_layers_reach_back_to_the_activation():
    model = functional(
        layers.Flatten(name="flat"), layers.Dense(3, name="d"), layers.Softmax(name="s")
    )
    assert [layer.name for layer in last_layers(model)] == ["s"]
