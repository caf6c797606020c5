"""The whole library in one call, and that it only reads its argument."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError


def net():
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(8, 3, name="conv", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization(name="bn")(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(3, name="head")(x))


def data(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((32, 8, 8, 3)).astype("float32"), rng.integers(0, 3, 32)


def test_one_call_equals_its_steps():
    model = net()
    small, report = tfprune.prune(model, data(), method="gfbs", ratio=0.5)
    graph = tfprune.analyse(model)
    keep = tfprune.select(graph, tfprune.score(graph, "gfbs", data()), ratio=0.5)
    assert set(report.keep) == set(keep) == {"conv", "head"}
    np.testing.assert_array_equal(report.keep["conv"], keep["conv"])
    by_steps = tfprune.rebuild(graph, keep)
    for first, second in zip(small.weights, by_steps.weights, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())
    assert report.verification.exact
    assert report.params == (model.count_params(), small.count_params())
    assert set(report.seconds) == {"analyse", "score", "select", "rebuild", "verify"}
    assert "gfbs: 7 of 11 channels kept" in str(report)


def test_by_default_the_norm_of_whole_units_decides_and_no_data_is_needed():
    model = net()
    _, report = tfprune.prune(model, ratio=0.5)
    graph = tfprune.analyse(model)
    keep = tfprune.select(graph, tfprune.score(graph, "group_l2"), ratio=0.5)
    np.testing.assert_array_equal(report.keep["conv"], keep["conv"])
    assert report.method == "group_l2"


def test_the_model_is_only_read():
    model = net()
    weights, config = model.get_weights(), model.get_config()
    tfprune.prune(model, data(), method="gfbs", ratio=0.5)
    assert model.get_config() == config
    for old, new in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: tfprune.prune(m, None, method="l7", ratio=0.5), "Unknown method 'l7'.*l1, l2"),
        (
            lambda m: tfprune.prune(m, None, method="l1", ratoi=0.5),
            "Unknown option of prune with method 'l1' 'ratoi'. Did you mean 'ratio'",
        ),
        (lambda m: tfprune.prune(m, None, method="l1"), "exactly one of ratio, ratios"),
        (lambda m: tfprune.prune(m, "images", method="gfbs", ratio=0.5), "received str"),
        (
            lambda m: tfprune.prune(m, (data()[0], data()[1][:5]), method="gfbs", ratio=0.5),
            r"same number of samples .*, array \(5,\)\)",
        ),
        (
            lambda m: tfprune.score(m, "l1", None),
            "expected a ChannelGraph, received Functional. Make one with tfprune.analyse",
        ),
        (lambda m: tfprune.prune("model", None, method="l1", ratio=0.5), "received str"),
        (
            lambda m: tfprune.prune(keras.Sequential([layers.Dense(2)]), None, "l1", ratio=0.5),
            "is not built: its shapes are unknown. Give it a keras.Input",
        ),
    ],
)
def test_arguments_of_another_kind_are_refused(call, message):
    with pytest.raises(PruningError, match=message):
        call(net())


def test_a_subclassed_model_becomes_a_functional_one():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.head = layers.Dense(8), layers.Dense(2)

        def call(self, x):
            return self.head(self.hidden(x))

    model = Net()
    with pytest.raises(PruningError, match="is a subclassed model .Net.: .*Call it once"):
        tfprune.prune(model, None, method="l1", ratio=0.5)
    model(np.zeros((1, 3)))
    small, report = tfprune.prune(model, None, method="l1", ratio=0.5)
    assert report.verification.proven
    assert small.get_layer("hidden").units == 4
    assert model.hidden.units == 8
