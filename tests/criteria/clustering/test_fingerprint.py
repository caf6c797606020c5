"""What tells one model from another, and what does not."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.criteria.fmc.fingerprint import fingerprint
from tfprune.criteria.fmc.images import collect

IMAGES = collect([(np.zeros((1, 6, 6, 3), "float32"),)])


def build(second="pool", **options):
    """Two convolutions of two inputs, the second of the pooled or of the plain sum."""
    x = [keras.Input((6, 6, 3)) for _ in range(2)]
    y = layers.Conv2D(3, 3, padding="same", name="conv", **options)(x[0])
    total = keras.ops.relu(y + x[1])
    pooled = layers.MaxPooling2D(2, 1, padding="same")(total)
    y = layers.Conv2D(4, 3, name="top")({"pool": pooled, "sum": total}[second])
    model = keras.Model(x, [layers.GlobalAveragePooling2D()(y), pooled])
    return of_ones(model)


def of_ones(model):
    model.set_weights([np.ones(weight.shape) for weight in model.weights])
    return model


def model_of(model):
    graph = tfprune.analyse(model)
    return fingerprint(graph, list(graph.producers), IMAGES)["model"]


def test_a_model_stays_the_same_whatever_it_is_used_for(tmp_path):
    model = build()
    before = model.to_json()
    expected = model_of(model)
    assert model.to_json() == before
    assert model_of(build()) == expected  # though Keras numbers its other layers anew
    model.compile("sgd", "mse")
    model.get_layer("conv").trainable = False
    model.predict([np.zeros((2, 6, 6, 3))] * 2, verbose=0)
    assert model_of(model) == expected
    model.save(tmp_path / "model.keras")
    for compiled in (True, False):
        loaded = keras.models.load_model(tmp_path / "model.keras", compile=compiled)
        assert model_of(loaded) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu"},
        {"dilation_rate": 2},
        {"dtype": "mixed_bfloat16"},
        {"second": "sum"},
    ],
)
def test_layers_and_wiring_tell_models_of_equal_weights_apart(options):
    model, other = build(), build(**options)
    for weight, same in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(weight, same)
    assert model_of(model) != model_of(other)


def test_weights_and_names_tell_models_apart():
    model = build()
    expected = model_of(model)
    model.weights[0].assign(2 * model.weights[0])
    assert model_of(model) != expected
    graph = tfprune.analyse(model)
    found = {fingerprint(graph, [name], IMAGES)["model"] for name in graph.producers}
    assert len(found) == 2


class Made(keras.Model):
    """A functional model that makes its own layers; its config knows none of them."""

    def __init__(self, activation):
        image = keras.Input((6, 6, 3))
        y = layers.Conv2D(4, 3, activation=activation, name="top")(image)
        super().__init__(image, y, name="made")


def nested(activation, compiled=False):
    inner = of_ones(Made(activation))
    if compiled:
        inner.compile("sgd", "mse")
    return keras.Sequential([keras.Input((6, 6, 3)), inner])


def test_models_of_a_users_class_and_models_within_are_told_apart():
    assert model_of(of_ones(Made("relu"))) != model_of(of_ones(Made("tanh")))
    assert model_of(nested("relu")) != model_of(nested("tanh"))
    assert model_of(nested("relu")) == model_of(nested("relu", compiled=True))


def test_images_are_told_apart():
    graph = tfprune.analyse(build())
    other = collect([(np.ones((1, 6, 6, 3), "float32"),)])
    one, two = (fingerprint(graph, ["conv"], images) for images in (IMAGES, other))
    assert one["model"] == two["model"]
    assert one["images"] != two["images"]
