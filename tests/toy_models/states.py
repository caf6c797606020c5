"""What a layer carries besides its weights: flags, policies, penalties, a compiled optimizer."""

import keras
from keras import constraints, layers, regularizers

from tests.toy_models._toy import Toy, toy

_UNITS = {"a": "abcd", "b": "efg", "head": ".."}


def _small(**first) -> keras.Model:
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 3, name="a", **first)(image)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Conv2D(3, 1, activation="relu", name="b", dtype=first.get("dtype"))(x)
    x = layers.GlobalAveragePooling2D(name="gap")(layers.Dropout(0.1, seed=1, name="drop")(x))
    return keras.Model(image, layers.Dense(2, name="head", dtype="float32")(x))


@toy
def frozen() -> Toy:
    """Image -> a(4), frozen -> BN, frozen -> b(3) -> GAP -> head(2)."""
    model = _small(trainable=False)
    model.get_layer("bn").trainable = False
    return Toy(model, _UNITS)


@toy
def frozen_around_a_free_layer() -> Toy:
    """Image -> base, frozen [a(4) -> b(3), free again] -> head(2)."""
    inside = keras.Input((4, 4, 3))
    b = layers.Conv2D(3, 1, name="b")(layers.Conv2D(4, 1, name="a")(inside))
    base = keras.Model(inside, b, name="base")
    base.trainable = False
    base.get_layer("b").trainable = True
    image = keras.Input((4, 4, 3))
    y = layers.Conv2D(2, 1, name="head")(base(image))
    return Toy(keras.Model(image, y), {"base/a": "abcd", "base/b": "efg", "head": ".."})


@toy
def penalised() -> Toy:
    """Image -> a(4) with regularisers and a constraint -> BN -> b(3) -> GAP -> head(2)."""
    model = _small(
        kernel_regularizer=regularizers.L2(1e-3),
        bias_regularizer="l1",
        activity_regularizer=regularizers.L2(1e-2),
        kernel_constraint=constraints.MaxNorm(2.0, axis=(0, 1, 2)),
    )
    return Toy(model, _UNITS)


@toy
def mixed_precision() -> Toy:
    """Image -> a(4) -> BN -> b(3) -> GAP -> head(2); a and b compute in bfloat16."""
    return Toy(_small(dtype="mixed_bfloat16"), _UNITS, tolerance=0.03)


@toy
def compiled() -> Toy:
    """Image -> a(4) -> BN -> b(3) -> GAP -> head(2), compiled with momentum."""
    model = _small()
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)
    return Toy(model, _UNITS)
