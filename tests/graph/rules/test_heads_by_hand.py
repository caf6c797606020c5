"""Heads and places within them cut at random, against weights that are zeroed by hand in NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.masks import random_masks
from tests.property.growing import enliven

STEPS, HEADS, SIZE, WIDTH = 5, 4, 6, 12
FLAT = HEADS * SIZE


def heads(name, x, axes="de", count=HEADS, **options):
    shape = (STEPS, count, SIZE)
    kind = layers.EinsumDense("abc,cde->abde", shape, bias_axes=axes, name=name, **options)
    return kind(x)


def attend(q, k, v):
    return ops.einsum("acbe,aecd->abcd", ops.softmax(ops.einsum("aecd,abcd->acbe", k, q)), v)


def joined(y):
    shape, name = (STEPS, WIDTH), "joined"
    return layers.EinsumDense("abcd,cde->abe", shape, bias_axes="e", name=name)(y)


def parts(x, axes="de"):
    return [heads(name, x, axes) for name in ("query", "key", "value")]


def flat(y, *between):
    y = ops.reshape(y, (-1, STEPS, FLAT))
    for layer in between:
        y = layer(y)
    return layers.Dense(WIDTH, name="joined")(y)


def by_places_of_bias(axes):
    return lambda x: joined(attend(*parts(x, axes)))


def transposed(x):
    q, k, v = (ops.transpose(part, (0, 2, 1, 3)) for part in parts(x))
    scores = ops.softmax(ops.matmul(k, ops.swapaxes(q, -1, -2)), axis=-2)
    return joined(ops.transpose(ops.matmul(ops.swapaxes(v, -1, -2), scores), (0, 3, 1, 2)))


def repeated(x):
    k, v = (ops.repeat(heads(name, x, count=2), 2, axis=2) for name in ("key", "value"))
    return joined(attend(heads("query", x), k, v))


def gated(x):
    gate = heads("gate", x, activation="sigmoid")
    return joined(attend(*parts(x)) * gate)


def scaled(x):
    q, k, v = parts(x)
    line = np.linspace(0.5, 2, FLAT, dtype="float32").reshape(HEADS, SIZE)
    return joined(attend(q * line[0], k, v + line))


def normalised(x):
    q, k, v = parts(x)
    q, k = layers.RMSNormalization(name="q")(q), layers.LayerNormalization(name="k")(k)
    return joined(attend(q, k, layers.BatchNormalization(name="v")(v)))


def with_a_token(x):
    q, k, v = parts(x)
    return joined(attend(q, *(ops.concatenate([part[:, :1], part], axis=1) for part in (k, v))))


def residual(x):
    q, k, v = parts(x)
    return joined(attend(q, k, v) + v + q)


def turned(x):
    """Queries and keys that are turned by pairs of places, as rotary positions do."""
    q, k, v = parts(x)
    half = SIZE // 2
    q, k = (ops.concatenate([-z[..., half:], z[..., :half]], -1) + z for z in (q, k))
    return joined(attend(q, k, v))


def called_twice(x):
    own = layers.EinsumDense("abc,cde->abde", (STEPS, HEADS, SIZE), bias_axes="de", name="query")
    return joined(attend(own(x), own(ops.flip(x, axis=1)), heads("value", x)))


def mixed(x):
    q, k, v = parts(x)
    shape = (STEPS, HEADS, 7)
    return joined(attend(q, k, layers.EinsumDense("abcd,cde->abce", shape, name="mix")(v)))


def behind(*kinds):
    return lambda x: flat(attend(*parts(x)), *(kind() for kind in kinds))


BODIES = {
    "no bias": by_places_of_bias(None),
    "a bias of places": by_places_of_bias("e"),
    "a bias of heads": by_places_of_bias("d"),
    "a bias of every step": by_places_of_bias("bde"),
    "a bias of steps and places": by_places_of_bias("be"),
    "transposed": transposed,
    "repeated": repeated,
    "gated": gated,
    "scaled": scaled,
    "normalised": normalised,
    "with a token": with_a_token,
    "residual": residual,
    "turned": turned,
    "called twice": called_twice,
    "mixed": mixed,
    "flat": behind(
        lambda: layers.BatchNormalization(name="norm"),
        lambda: layers.PReLU(shared_axes=[1], name="slopes"),
        lambda: layers.DepthwiseConv1D(3, padding="same", name="deep"),
    ),
}


def zeroed(model, keep):
    """Return the model with zeros in what makes what is gone, and in what reads the values."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for name, mask in keep.items():
        layer, _, size = name.partition("/")
        axis = -1 if size else -2  # of kernels [in, heads, size]
        if layer in ("joined", "out", "mix"):
            assert mask.all() or layer == "mix"
            continue
        for weight in copy.get_layer(layer).weights:
            if len(weight.shape) >= -axis and weight.shape[axis] == len(mask):
                _multiply(weight, mask, axis)
        kernel = copy.get_layer("joined").kernel
        if layer == "value" and len(kernel.shape) == 2:
            rows = np.tile(mask, HEADS) if size else np.repeat(mask, SIZE)
            _multiply(kernel, rows, 0)
        elif layer == "value" and not size:
            _multiply(kernel, np.repeat(mask, HEADS // len(mask)), 0)
        elif layer == "value" and kernel.shape[1] == SIZE:
            _multiply(kernel, mask, 1)
    return copy


def _multiply(weight, mask, axis):
    shape = [1] * len(weight.shape)
    shape[axis] = -1
    weight.assign(weight.numpy() * mask.reshape(shape))


@pytest.mark.parametrize("body", BODIES)
def test_what_is_left_is_what_zeros_make(body):
    x = keras.Input((STEPS, WIDTH))
    model = keras.Model(x, layers.Dense(3, name="out")(x + BODIES[body](x)))
    enliven(model, 0)
    graph = tfprune.analyse(model)
    keep = random_masks(graph, 0.5, seed=1)
    small = tfprune.rebuild(graph, keep)
    images = np.random.default_rng(0).normal(size=(3, STEPS, WIDTH)).astype("float32")
    wanted = np.asarray(zeroed(model, keep)(images))
    assert not all(keep[name].all() for name in keep)
    np.testing.assert_allclose(small(images), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
