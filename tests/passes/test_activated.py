"""Toy models, each drawn beside the call that activates each layer's maps."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.abilities import require_channels_first
from tests.toy_models import randomize
from tfprune.passes.activated import activated
from tfprune.passes.probe import Probe

FIRST = {"data_format": "channels_first"}


def conv(filters, name, **options):
    return layers.Conv2D(filters, 3, padding="same", name=name, **options)


def residual():
    """x - stem - bn0 - relu0 -+- a - bn1 - relu1 - b - bn2 -(+)- relu2 - end

    +------------------------------+
    """
    x = keras.Input((6, 6, 3))
    y = layers.ReLU(name="relu0")(layers.BatchNormalization(name="bn0")(conv(4, "stem")(x)))
    z = layers.ReLU(name="relu1")(layers.BatchNormalization(name="bn1")(conv(5, "a")(y)))
    z = layers.Add()([y, layers.BatchNormalization(name="bn2")(conv(4, "b")(z))])
    z = conv(2, "end")(layers.ReLU(name="relu2")(z))
    return keras.Model(x, z), {
        "stem": ("relu0", 0, [0, 1, 2, 3]),
        "a": ("relu1", 0, [0, 1, 2, 3, 4]),
        "b": ("relu2", 0, [0, 1, 2, 3]),
        "end": ("end", 0, [0, 1]),
    }


def dense_block():
    """x - stem -+- bn1 - relu1 - a -[stem, a]-+- bn2 - relu2 - b -[.., b]- bn3 - relu3 - end."""
    x = keras.Input((6, 6, 3))
    y = conv(3, "stem")(x)
    for i, name in ((1, "a"), (2, "b")):
        z = layers.ReLU(name=f"relu{i}")(layers.BatchNormalization(name=f"bn{i}")(y))
        y = layers.Concatenate()([y, conv(2, name)(z)])
    z = layers.ReLU(name="relu3")(layers.BatchNormalization(name="bn3")(y))
    return keras.Model(x, conv(2, "end")(z)), {
        "stem": ("relu1", 0, [0, 1, 2]),
        "a": ("relu2", 0, [3, 4]),
        "b": ("relu3", 0, [5, 6]),
    }


def branches():
    """x -+- a - relu_a -[a, b]- pool - end

    +- b - relu_b -+
    """
    x = keras.Input((6, 6, 3))
    y = [layers.ReLU(name=f"relu_{name}")(conv(i, name)(x)) for i, name in ((2, "a"), (3, "b"))]
    z = layers.MaxPooling2D()(layers.Concatenate()(y))
    return keras.Model(x, conv(2, "end")(z)), {
        "a": ("relu_a", 0, [0, 1]),
        "b": ("relu_b", 0, [0, 1, 2]),
    }


def joined_before_the_activation():
    """x -+- a -[b, a]- max pool - relu - end

    +- b -+
    """
    x = keras.Input((6, 6, 3))
    y = layers.Concatenate()([conv(3, "b")(x), conv(2, "a")(x)])
    y = ops.relu(layers.MaxPooling2D()(y))
    return keras.Model(x, conv(2, "end")(y)), {
        "a": ("Relu", 0, [3, 4]),
        "b": ("Relu", 0, [0, 1, 2]),
    }


def fused():
    """x - a with relu - relu - end."""
    x = keras.Input((6, 6, 3))
    y = layers.ReLU(name="relu")(conv(2, "a", activation="relu")(x))
    return keras.Model(x, conv(2, "end")(y)), {"a": ("a", 0, [0, 1])}


def linear_bottleneck():
    """x - a - bn_a -+- depthwise - bn - relu - b - bn_b -(+)- plain - end

    +-----------------------------------+
    """
    x = keras.Input((6, 6, 3))
    y = layers.BatchNormalization(name="bn_a")(conv(2, "a")(x))
    z = layers.DepthwiseConv2D(3, padding="same")(layers.Activation("linear")(y))
    z = layers.ReLU()(layers.BatchNormalization()(z))
    z = layers.Add()([y, layers.BatchNormalization(name="bn_b")(conv(2, "b")(z))])
    z = conv(4, "plain")(z)
    return keras.Model(x, conv(2, "end")(z)), {
        "a": ("bn_a", 0, [0, 1]),
        "b": ("bn_b", 0, [0, 1]),
        "plain": ("plain", 0, [0, 1, 2, 3]),
    }


def relu_before_normalisation():
    """x - a - relu - bn - b - prelu - end."""
    x = keras.Input((6, 6, 3))
    y = layers.BatchNormalization()(layers.Activation("relu", name="relu")(conv(2, "a")(x)))
    y = layers.PReLU(name="prelu")(conv(3, "b")(y))
    return keras.Model(x, conv(2, "end")(y)), {
        "a": ("relu", 0, [0, 1]),
        "b": ("prelu", 0, [0, 1, 2]),
    }


def one_relu_for_all():
    """x - a - relu - b - relu - c - relu - end, one layer called three times."""
    relu = layers.ReLU(name="relu")
    x = y = keras.Input((6, 6, 3))
    for filters, name in ((2, "a"), (3, "b"), (2, "c")):
        y = relu(conv(filters, name)(y))
    return keras.Model(x, conv(2, "end")(y)), {
        "a": ("relu", 0, [0, 1]),
        "b": ("relu", 1, [0, 1, 2]),
        "c": ("relu", 2, [0, 1]),
    }


def gated():
    """x - a -+-------------------(*)- relu - end    squeeze and excitation

    +- mean - fc - relu_fc - gate+
    """
    x = keras.Input((6, 6, 3))
    y = conv(4, "a")(x)
    z = layers.GlobalAveragePooling2D(keepdims=True)(y)
    z = layers.ReLU(name="relu_fc")(layers.Conv2D(2, 1, name="fc")(z))
    z = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(z)
    y = layers.ReLU(name="relu")(layers.Multiply()([y, z]))
    return keras.Model(x, conv(2, "end")(y)), {
        "a": ("relu", 0, [0, 1, 2, 3]),
        "fc": ("relu_fc", 0, [0, 1]),
        "gate": ("gate", 0, [0, 1, 2, 3]),
    }


def padded_shortcut():
    """x - stem - relu0 -+- a (4) -(+)- relu1 - end    the stem lies at places 1 and 2

    +- 0, stem, 0 +
    """
    x = keras.Input((6, 6, 3))
    y = layers.ReLU(name="relu0")(conv(2, "stem")(x))
    z = ops.add(ops.pad(y, [[0, 0], [0, 0], [0, 0], [1, 1]]), conv(4, "a")(y))
    z = layers.ReLU(name="relu1")(z)
    return keras.Model(x, conv(2, "end")(z)), {
        "stem": ("relu0", 0, [0, 1]),
        "a": ("relu1", 0, [0, 1, 2, 3]),
    }


def grouped_stream():
    """x - a - relu_a -(+)- relu - grouped - end    the groups unite channels 0 and 2, 1 and 3

    +-- b ----------+
    """
    x = keras.Input((6, 6, 3))
    y = layers.Add()([layers.ReLU(name="relu_a")(conv(4, "a")(x)), conv(4, "b")(x)])
    y = conv(4, "grouped", groups=2)(layers.ReLU(name="relu")(y))
    return keras.Model(x, conv(2, "end")(y)), {
        "a": ("relu_a", 0, [0, 1, 2, 3]),
        "b": ("relu", 0, [0, 1, 2, 3]),
    }


def split():
    """x - a -< a0 - relu0 >-[a1, a0]- end    no call activates all of a

    < a1 - relu1 >
    """
    x = keras.Input((6, 6, 3))
    one, two = ops.split(conv(4, "a")(x), 2, axis=-1)
    y = layers.Concatenate()([layers.ReLU()(two), layers.ReLU()(one)])
    return keras.Model(x, conv(2, "end")(y)), {"a": ("a", 0, [0, 1, 2, 3])}


def reversed_channels():
    """x - a - flip - relu - end: all of a, in another order."""
    x = keras.Input((6, 6, 3))
    y = layers.ReLU(name="relu")(ops.flip(conv(4, "a")(x), axis=-1))
    return keras.Model(x, conv(2, "end")(y)), {"a": ("relu", 0, [3, 2, 1, 0])}


def nested():
    """x - stem - [ in - a - relu ] - [ the same ] - end."""
    inside = keras.Input((6, 6, 3))
    block = keras.Model(inside, layers.ReLU(name="relu")(conv(3, "a")(inside)), name="block")
    x = keras.Input((6, 6, 3))
    y = block(block(conv(3, "stem")(x)))
    return keras.Model(x, conv(2, "end")(y)), {
        "stem": ("stem", 0, [0, 1, 2]),
        "block/a": ("relu", 0, [0, 1, 2]),
    }


def channels_first():
    """x - a - bn - relu - b (1 filter) - relu_b - end, channels first."""
    x = keras.Input((3, 6, 6))
    y = layers.BatchNormalization(axis=1)(conv(2, "a", **FIRST)(x))
    y = conv(1, "b", **FIRST)(layers.ReLU(name="relu")(y))
    y = layers.ReLU(name="relu_b")(y)
    return keras.Model(x, conv(2, "end", **FIRST)(y)), {
        "a": ("relu", 0, [0, 1]),
        "b": ("relu_b", 0, [0]),
    }


def flattened():
    """x - a - flatten - relu - dense: these are no maps any more."""
    x = keras.Input((6, 6, 3))
    y = layers.ReLU(name="relu")(layers.Flatten()(conv(2, "a")(x)))
    return keras.Model(x, layers.Dense(2, name="dense")(y)), {"a": ("a", 0, [0, 1])}


TOYS = [
    residual, dense_block, branches, joined_before_the_activation, fused, linear_bottleneck,
    relu_before_normalisation, one_relu_for_all, gated, padded_shortcut, grouped_stream, split,
    reversed_channels, nested, channels_first, flattened,
]  # fmt: skip


@pytest.mark.parametrize("build", TOYS)
def test_the_drawn_call_activates_each_layer(build):
    model, expected = build()
    sites = activated(tfprune.analyse(model), list(expected))
    found = {
        name: (_name(site.operation), site.call, site.places.tolist())
        for name, [site] in sites.items()
    }
    assert found == expected
    assert {site.axis for [site] in sites.values()} == {1 if build is channels_first else 3}


def _name(operation):
    is_layer = isinstance(operation, keras.layers.Layer)
    return operation.name if is_layer else type(operation).__name__


def activations(graph, names):
    probe = Probe(graph, activated(graph, names))
    return lambda batch: probe.first_sites(probe.inputs(batch))


def images():
    return np.random.default_rng(0).standard_normal((2, 6, 6, 3)).astype("float32")


def test_the_maps_are_the_outputs_of_the_drawn_calls():
    model, _ = dense_block()
    randomize(model)
    maps = activations(tfprune.analyse(model), ["b", "a"])(images())
    relu = keras.Model(model.input, [model.get_layer(f"relu{i}").output for i in (2, 3)])
    second, third = relu(images(), training=False)
    assert np.asarray(second).any()
    np.testing.assert_allclose(maps["a"], second[..., 3:5], atol=1e-6)
    np.testing.assert_allclose(maps["b"], third[..., 5:7], atol=1e-6)


def test_each_call_of_a_shared_layer_is_told_apart():
    model, _ = one_relu_for_all()
    randomize(model)
    maps = activations(tfprune.analyse(model), ["a", "b", "c"])(images())
    x = images()
    for name in "abc":
        x = ops.relu(model.get_layer(name)(x))
        np.testing.assert_allclose(maps[name], x, atol=1e-6)


def test_channels_come_last_and_in_the_order_of_the_layer():
    model, _ = reversed_channels()
    randomize(model)
    maps = activations(tfprune.analyse(model), ["a"])(images())["a"]
    np.testing.assert_allclose(maps, ops.relu(model.get_layer("a")(images())), atol=1e-6)


def test_maps_with_channels_first_are_turned():
    require_channels_first()
    x = keras.Input((3, 6, 5))
    y = layers.BatchNormalization(axis=1, name="bn")(x)
    y = layers.ReLU()(layers.PReLU(shared_axes=[2, 3])(y))
    y = layers.Conv2D(2, 1, name="end", **FIRST)(y)
    model = keras.Model(x, y)
    randomize(model)
    graph = tfprune.analyse(model)
    batch = np.random.default_rng(0).standard_normal((2, 3, 6, 5)).astype("float32")
    maps = activations(graph, ["end"])(batch)["end"]
    assert maps.shape == (2, 6, 5, 2)
    np.testing.assert_allclose(np.moveaxis(maps, -1, 1), model(batch), atol=1e-5)
