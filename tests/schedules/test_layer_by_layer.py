"""Layer by layer ends where one cut would, and trains in between, in the order of the network."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.schedules import layer_by_layer, regain_rate


def residual():
    """stem ─┬─ conv1 ─ conv2 ─(+)─ last ─ head: stem and conv2 are coupled."""
    image = keras.Input((6, 6, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", name="stem")(image)
    x = layers.ReLU(name="relu0")(layers.BatchNormalization(name="bn0")(x))
    y = layers.ReLU(name="relu1")(layers.Conv2D(6, 3, padding="same", name="conv1")(x))
    y = layers.Conv2D(8, 3, padding="same", name="conv2")(y)
    x = layers.ReLU(name="relu2")(layers.Add(name="add")([x, y]))
    x = layers.Conv2D(5, 3, name="last")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(3, name="head")(x))


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return residual()


@pytest.fixture(scope="module")
def keep(model):
    graph = tfprune.analyse(model)
    return tfprune.select(graph, tfprune.score(graph, "l1", None), ratio=0.5)


def test_without_training_it_is_the_one_cut(model, keep):
    order = []
    small, proofs = layer_by_layer(model, keep, lambda m, name: order.append(name) or m)
    assert list(proofs) == order
    assert all(proof.changed for proof in proofs.values())
    assert order == ["stem", "conv1", "last"]
    at_once = tfprune.rebuild(tfprune.analyse(model), keep)
    for one, other in zip(small.weights, at_once.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_each_training_starts_from_the_last_one(model, keep):
    widths = []

    def train(small, name):
        widths.append([small.get_layer(n).filters for n in ("stem", "conv1", "conv2", "last")])
        small = keras.models.clone_model(small)
        small.set_weights([np.full(w.shape, len(widths)) for w in small.get_weights()])
        return small

    small, _ = layer_by_layer(model, keep, train)
    assert widths == [[4, 6, 4, 5], [4, 3, 4, 5], [4, 3, 4, 3]]
    assert all((w == 3).all() for w in small.get_weights())
    assert model.get_layer("stem").filters == 8


def test_whole_layers_are_passed_over(model, keep):
    order = []
    layer_by_layer(model, {"last": keep["last"]}, lambda m, name: order.append(name) or m)
    assert order == ["last"]


def test_refusals_come_before_any_training(model, keep):
    def never(*args):
        raise AssertionError

    with pytest.raises(PruningError, match="the keep masks remove nothing"):
        layer_by_layer(model, {"stem": np.ones(8, bool)}, never)
    with pytest.raises(PruningError, match="Keep masks disagree"):
        layer_by_layer(model, {"conv1": keep["conv1"], "stem": keep["stem"]}, never)


def test_the_rate_grows_with_what_was_lost():
    assert regain_rate(0.93, 0.83, 0.008) == pytest.approx(0.004)
    assert regain_rate(0.93, 0.95, 0.008) == 0
    with pytest.raises(PruningError, match="layer_rate: expected a learning rate above 0, receiv"):
        regain_rate(0.9, 0.8, 0.0)
