"""Heads that a reshape puts among the samples, [samples * heads, steps, size], as PyTorch's do."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune

HEADS, SIZE, STEPS = 4, 3, 5


class Attention(layers.Layer):
    """Attention whose heads are samples; `outer` says whether heads lie outside of them."""

    def __init__(self, outer=False, **kwargs):
        super().__init__(**kwargs)
        self.outer = outer
        self.qkv = layers.Dense(3 * HEADS * SIZE)
        self.out = layers.Dense(HEADS * SIZE)

    def call(self, x):
        batch = ops.shape(x)[0]
        qkv = ops.reshape(self.qkv(x), (batch, -1, 3, HEADS, SIZE))
        qkv = ops.transpose(qkv, (2, 3, 0, 1, 4) if self.outer else (2, 0, 3, 1, 4))
        qkv = ops.reshape(qkv, (3, batch * HEADS, -1, SIZE))
        scores = ops.matmul(qkv[0] * SIZE**-0.5, ops.transpose(qkv[1], (0, 2, 1)))
        y = ops.matmul(ops.softmax(scores), qkv[2])
        if self.outer:
            y = ops.transpose(ops.reshape(y, (HEADS, batch, -1, SIZE)), (1, 2, 0, 3))
        else:
            y = ops.transpose(ops.reshape(y, (batch, HEADS, -1, SIZE)), (0, 2, 1, 3))
        return self.out(ops.reshape(y, (batch, -1, HEADS * SIZE)))


def model_with(attention, steps=STEPS):
    x = keras.Input((steps, 6))
    return keras.Model(x, layers.Dense(2, name="last")(attention(x)))


@pytest.mark.parametrize("steps", [STEPS, None])
def test_heads_among_the_samples_are_units(steps, tmp_path):
    model = model_with(Attention(name="attention"), steps)
    graph = tfprune.analyse(model)
    units = graph.units_of("attention.qkv").reshape(3, HEADS, SIZE)
    assert graph.free("attention.qkv").all()
    assert len(np.unique(units)) == HEADS
    assert (units == units[:1, :, :1]).all()
    keep = {"attention.qkv": np.tile(np.repeat([True, False, True, False], SIZE), 3)}
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    assert small.get_layer("attention.qkv").units == 18
    # A head that goes is one whose rows of the output's kernel are zero.
    kernel = model.get_layer("attention").out.kernel
    kernel.assign(np.array(kernel) * np.repeat([1, 0, 1, 0], SIZE)[:, None])
    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")
    for batch in (1, 3):
        x = np.random.default_rng(batch).normal(size=(batch, STEPS, 6)).astype("float32")
        np.testing.assert_allclose(again(x), model(x), rtol=1e-5, atol=1e-6)


def test_products_of_heads_among_the_samples_are_counted():
    graph = tfprune.analyse(model_with(Attention(name="attention")))
    dense = STEPS * (6 * 3 * HEADS * SIZE + (HEADS * SIZE) ** 2 + HEADS * SIZE * 2)
    assert tfprune.cost(graph.model).macs == dense + 2 * HEADS * STEPS**2 * SIZE


def test_samples_within_heads_stay():
    """[heads * samples, ...]: where a head begins depends on the number of samples."""
    graph = tfprune.analyse(model_with(Attention(outer=True, name="attention")))
    assert not graph.free("attention.qkv").any()
    assert "moved to an axis of unknown size" in str(graph)
    assert graph.free("attention.out").all()


class Flat(layers.Layer):
    """Puts channels among the samples, works on them there, and takes them back."""

    def __init__(self, work, **kwargs):
        super().__init__(**kwargs)
        self.work, self.first = work, layers.Dense(8)

    def call(self, x):
        batch = ops.shape(x)[0]
        y = ops.reshape(ops.transpose(self.first(x), (0, 2, 1)), (batch * 8, STEPS))
        return ops.transpose(ops.reshape(self.work(y), (batch, 8, STEPS)), (0, 2, 1))


WORKS = {
    "an activation": (ops.tanh, True),
    "softmax over steps": (ops.softmax, True),
    "a constant for all": (lambda x: 2 * x + 1, True),
    "cumsum over the samples": (lambda x: ops.cumsum(x, axis=0), False),
    "turned around": (lambda x: ops.flip(x, axis=0), True),
    "a roll of the samples": (lambda x: ops.roll(x, 1, axis=0), False),
    "every other sample": (lambda x: ops.repeat(x[::2], 2, axis=0), False),
    "steps before samples": (
        lambda x: ops.reshape(ops.reshape(x, (8, -1, STEPS)), (-1, STEPS)), False),
}  # fmt: skip


@pytest.mark.parametrize(("work", "free"), WORKS.values(), ids=list(WORKS))
def test_only_what_takes_each_sample_by_itself_lets_channels_go(work, free):
    graph = tfprune.analyse(model_with(Flat(work, name="flat")))
    assert graph.free("flat.first").any() == free
    keep = {"flat.first": np.arange(8) != 2} if free else {}
    assert tfprune.verify(graph, keep, tfprune.rebuild(graph, keep), inputs=_batch()).exact


def _batch():
    return np.random.default_rng(0).normal(size=(4, STEPS, 6)).astype("float32")
