"""glu: the k-th channel of a half and its gate go together."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError


def gated():
    """image -> wide(8) -> glu -> head; units a b c d a b c d."""
    image = keras.Input((5, 5, 3))
    x = keras.ops.glu(layers.Conv2D(8, 1, name="wide")(image), axis=-1)
    return keras.Model(image, layers.Conv2D(2, 1, name="head")(x))


def test_halves_are_united():
    units = tfprune.analyse(gated()).units_of("wide")
    np.testing.assert_array_equal(units[:4], units[4:])
    assert len(set(units.tolist())) == 4


def test_the_pruned_model_equals_the_masked_one():
    graph = tfprune.analyse(gated())
    keep = {"wide": np.tile([True, False, True, True], 2)}
    small = tfprune.rebuild(graph, keep)
    assert small.get_layer("wide").filters == 6
    assert tfprune.verify(graph, keep, small).exact


def test_a_half_alone_is_refused():
    graph = tfprune.analyse(gated())
    with pytest.raises(PruningError, match="lives or dies with a channel"):
        tfprune.rebuild(graph, {"wide": np.arange(8) != 2})
