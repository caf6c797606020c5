"""Subclassed models whose call takes several tensors, each by itself."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.graph.opening import nets

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
Y = np.random.default_rng(1).normal(size=(4, 6)).astype("float32")


class Pair(keras.Model):
    def __init__(self):
        super().__init__()
        self.left, self.right, self.head = layers.Dense(8), layers.Dense(8), layers.Dense(3)

    def call(self, x, y, training=None):
        return self.head(ops.relu(self.left(x) - self.right(y)))


class Noted(Pair):
    """Its own `build` tells Keras both shapes."""

    def build(self, x_shape, y_shape):
        self.left.build(x_shape)
        self.right.build(y_shape)
        self.head.build((None, 8))
        super().build(x_shape)


class Optional(Pair):
    def build(self, shape):
        self.left.build(shape)
        self.head.build((None, 8))
        self.built = True

    def call(self, x, y=None):
        z = self.left(x)
        return self.head(ops.relu(z if y is None else z - self.right(y)))


class Nested(Pair):
    """One of its arguments is a dictionary itself."""

    def call(self, x, more):
        return self.head(ops.relu(self.left(x) - self.right(more["y"])))


def built(kind, *inputs):
    model = kind()
    model(*inputs)
    return nets.enlivened(model)


GIVEN = {"x": keras.Input((5,)), "y": keras.Input((6,))}


@pytest.mark.parametrize("kind", [Pair, Noted, Optional])
def test_tensors_are_given_by_the_names_of_the_arguments(kind):
    model = built(kind, X, Y)
    opened = tfprune.open_up(model, GIVEN)
    assert [x.name for x in opened.inputs] == ["x", "y"]
    np.testing.assert_allclose(opened({"x": X, "y": Y}), model(X, Y), rtol=1e-6, atol=1e-6)
    small, report = tfprune.prune(opened, None, method="l1", ratio=0.5)
    assert report.verification.proven
    assert small.get_layer("left").units == 4


def test_what_keras_has_noted_need_not_be_given():
    graph = tfprune.analyse(built(Noted, X, Y))
    assert set(graph.model.input) == {"x", "y"}
    assert graph.groups["left"] == ("right",)


def test_an_argument_may_be_nested():
    model = built(Nested, X, {"y": Y})
    opened = tfprune.open_up(model, {"x": X, "more": {"y": Y}})
    np.testing.assert_allclose(
        opened({"x": X, "more": {"y": Y}}), model(X, {"y": Y}), rtol=1e-6, atol=1e-6
    )


def test_one_argument_for_two_is_refused_with_what_to_give():
    with pytest.raises(
        tfprune.PruningError,
        match=r"call of model 'pair\w*' \(Pair\) takes x, y, .*\{'x': keras.Input\(...\), 'y'",
    ):
        tfprune.analyse(built(Pair, X, Y))


def test_weights_that_only_a_fuller_call_reads_are_not_lost():
    model = built(Optional, X, Y)
    with pytest.raises(
        tfprune.PruningError, match=r"kernel, .*bias are not read by a call without y.*'x': .*'y': "
    ):
        tfprune.analyse(model)
    alone = built(Optional, X)
    np.testing.assert_allclose(tfprune.open_up(alone)(X), alone(X), rtol=1e-6, atol=1e-6)
