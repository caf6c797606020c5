"""Layers that nobody has told tfprune about, and one that somebody has."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import tfprune
from tests.toy_models._toy import Toy, toy


@keras.saving.register_keras_serializable("toys")
class Unknown(layers.Layer):
    """Reverses the channels, which no rule says."""

    def call(self, x):
        """Return x [..., C] backwards."""
        return tf.raw_ops.ReverseV2(
            tensor=x, axis=[-1]
        )  # no operation of Keras: it cannot be opened


@keras.saving.register_keras_serializable("toys")
class ReversedDense(layers.Dense):
    """Not what its parent is."""

    def call(self, x):
        """Return the output's channels backwards."""
        return tf.raw_ops.ReverseV2(tensor=super().call(x), axis=[-1])


@keras.saving.register_keras_serializable("toys")
class Taught(layers.Layer):
    """Adds a bias of its own to every channel."""

    def build(self, shape):
        """Make one number per channel."""
        self.shift = self.add_weight(name="shift", shape=shape[-1:])

    def call(self, x):
        """Return x + shift."""
        return x + self.shift


@tfprune.rule(Taught)
def taught_rule(call):
    """Rule of Taught: its vector follows the channels."""
    call.label("shift", carries={0: call.channels()})
    return call.passed()


@toy
def unknown_layer() -> Toy:
    """Image -> a(3) -> Unknown -> b(4) -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = Unknown(name="unknown")(layers.Conv2D(3, 1, name="a")(image))
    y = layers.Conv2D(2, 1, name="head")(layers.Conv2D(4, 1, name="b")(x))
    units = {"a": "...", "b": "abcd", "head": ".."}
    return Toy(keras.Model(image, y), units, {"a": "unknown: Unknown has no rule"})


@toy
def lambda_layer() -> Toy:
    """Image -> a(3) -> Lambda of single numbers -> b(4) -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Lambda(_doubled, name="function")(layers.Conv2D(3, 1, name="a")(image))
    y = layers.Conv2D(2, 1, name="head")(layers.Conv2D(4, 1, name="b")(x))
    units = {"a": "efg", "b": "abcd", "head": ".."}
    return Toy(keras.Model(image, y), units)


@keras.saving.register_keras_serializable("toys")
def _doubled(x):
    return 2 * x


@toy
def subclass_of_a_known_layer() -> Toy:
    """Vector -> a(3) -> ReversedDense, not a producer -> b(4) -> head(2)."""
    vector = keras.Input((5,))
    x = ReversedDense(3, name="reversed")(layers.Dense(3, name="a")(vector))
    y = layers.Dense(2, name="head")(layers.Dense(4, name="b")(x))
    units = {"a": "...", "b": "abcd", "head": ".."}
    return Toy(keras.Model(vector, y), units, {"a": "ReversedDense has no rule"})


@toy
def taught_layer() -> Toy:
    """Image -> a(3) -> Taught -> b(4) -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = Taught(name="taught")(layers.Conv2D(3, 1, name="a")(image))
    y = layers.Conv2D(2, 1, name="head")(layers.Conv2D(4, 1, name="b")(x))
    return Toy(keras.Model(image, y), {"a": "abc", "b": "defg", "head": ".."})


@toy
def low_rank_adapted() -> Toy:
    """Vector -> a(3) with a LoRA -> b(4) -> head(2)."""
    vector = keras.Input((5,))
    a = layers.Dense(3, name="a")
    y = layers.Dense(2, name="head")(layers.Dense(4, name="b")(a(vector)))
    model = keras.Model(vector, y)
    a.enable_lora(2)
    return Toy(model, {"a": "efg", "b": "abcd", "head": ".."})


@toy
def quantized() -> Toy:
    """Vector -> a(3), int8, left whole -> b(4) -> head(2)."""
    vector = keras.Input((5,))
    a = layers.Dense(3, name="a")
    y = layers.Dense(2, name="head")(layers.Dense(4, name="b")(a(vector)))
    model = keras.Model(vector, y)
    a.quantize("int8")
    return Toy(model, {"b": "abcd", "head": ".."})


@toy
def vocabulary() -> Toy:
    """Words as text -> numbers of an adapted vocabulary -> table e(4) -> d(3) -> head(2)."""
    look_up = layers.StringLookup(name="lookup")
    look_up.adapt(["the", "cat", "sat", "the", "cat"])
    text = keras.Input((3,), dtype="string")
    x = layers.Embedding(4, 4, name="e")(look_up(text))
    y = layers.Dense(2, name="head")(layers.Dense(3, name="d")(x))
    return Toy(
        keras.Model(text, y),
        {"e": "abcd", "d": "efg", "head": ".."},
        inputs=np.array([["the", "cat", "sat"], ["sat", "dog", "the"]]),
    )
