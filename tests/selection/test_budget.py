"""What a share of the MACs or weights is foreseen to leave is what `cost` then counts."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.selection._budget import budget_of
from tfprune.selection.request import Request
from tfprune.surgery.masks import kept_ids


def normalised():
    """Of its weights, running statistics are a good part."""
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(12, 1, use_bias=False, name="a")(image)
    x = layers.Conv2D(10, 1, name="b")(layers.ReLU()(layers.BatchNormalization()(x)))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    return keras.Model(image, layers.Dense(4, name="head")(x))


@pytest.mark.parametrize("amount", ["macs", "params"])
def test_what_is_foreseen_is_what_is_counted(amount):
    graph = tfprune.analyse(normalised())
    keep = {"a": np.arange(12) % 2 == 0, "b": np.arange(10) % 3 == 0}
    budget = budget_of(graph, Request(**{amount: 0.5}))
    small = tfprune.rebuild(graph, keep)
    assert budget.total == getattr(tfprune.cost(graph.model), amount)
    assert budget(kept_ids(graph, keep)) == getattr(tfprune.cost(small), amount)
