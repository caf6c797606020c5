"""What scores must not depend on: how data is batched, and how channels are numbered."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune

SIZES = (7, 64, 256)
RNG = np.random.default_rng(3)
IMAGES = RNG.normal(size=(150, 6, 6, 2)).astype("float32")
LABELS = RNG.permutation(150) % 3
FEW = {"hrank": 12, "similarity": 12, "fmc": 4}  # images, one at a time
NORM = RNG.uniform(0.5, 1.5, (4, 6))  # scale, shift, mean, variance
READING = ["fgp", "gfi", "hrank", "similarity", "taylor"]  # gfbs judges batches by definition


def network():
    keras.utils.set_random_seed(1)
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(5, 3, activation="relu", name="first")(image)
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(6, 3, padding="same", name="conv")(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    model = keras.Model(image, layers.Dense(3, "softmax", name="head")(x))
    model.get_layer("norm").set_weights(NORM)
    return model


def batched(size, criterion):
    count = FEW.get(criterion, len(IMAGES))
    cuts = [slice(i, min(i + size, count)) for i in range(0, count, size)]
    return [(IMAGES[cut], LABELS[cut]) for cut in cuts]


@pytest.mark.parametrize("criterion", READING)
def test_scores_of_batches_of_any_size_are_equal_to_the_bit(criterion):
    graph = tfprune.analyse(network())
    first, *others = (tfprune.score(graph, criterion, batched(size, criterion)) for size in SIZES)
    assert np.ptp(first["conv"]) > 0
    for scores in others:
        for name, values in first.items():
            np.testing.assert_array_equal(scores[name], values)


@pytest.mark.parametrize("criterion", [*READING, "gfbs"])
def test_numbering_the_channels_anew_numbers_the_scores_anew(criterion):
    model, other, order = network(), network(), RNG.permutation(6)
    kernel, bias = model.get_layer("conv").get_weights()
    other.get_layer("conv").set_weights([kernel[..., order], bias[order]])
    other.get_layer("norm").set_weights(NORM[:, order])
    kernel, bias = model.get_layer("head").get_weights()
    other.get_layer("head").set_weights([kernel[order], bias])
    before, after = (
        tfprune.score(tfprune.analyse(m), criterion, batched(64, criterion)) for m in (model, other)
    )
    expected = before["conv"][order]
    if criterion == "similarity":
        expected = expected[:, order]
    np.testing.assert_allclose(after["conv"], expected, rtol=1e-4, atol=1e-9)
