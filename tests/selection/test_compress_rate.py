"""Compress rates of any model: what they are for, and what they leave."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.selection.compress_rate import counts, entries, kept


@pytest.mark.parametrize(
    ("channels", "rate", "left"),
    [(320, 0.9, 31), (320, 0.8, 63), (12, 0.4, 7), (512, 0.75, 128), (16, 0.0, 16)],
)
def test_counts_are_truncated_in_doubles(channels, rate, left):
    assert kept(channels, rate) == left


def residual():
    """A stem of 8 channels, a block that adds to it, a head of its own."""
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="stem")(image)
    y = layers.Conv2D(6, 3, padding="same", name="inner")(layers.ReLU()(x))
    y = layers.Conv2D(8, 3, padding="same", name="outer")(layers.ReLU()(y))
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    x = layers.Dense(10, name="hidden")(x)
    return tfprune.analyse(keras.Model(image, layers.Dense(4, name="head")(x), name="residual"))


def test_coupled_layers_are_one_entry_and_pinned_ones_or_those_without_maps_none():
    assert [str(entry) for entry in entries(residual())] == ["stem, outer", "inner"]


def test_selecting_by_rates():
    graph = residual()
    found = counts(graph, "[0.4]+[0.5]")
    assert found == {"stem": 4, "outer": 4, "inner": 3}
    keep = tfprune.select(graph, tfprune.score(graph, "l1", None), counts=found)
    assert {name: int(mask.sum()) for name, mask in keep.items()} == found | {
        "hidden": 10,
        "head": 4,
    }
    np.testing.assert_array_equal(keep["stem"], keep["outer"])
    tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))


def test_the_rate_of_coupled_layers_is_of_the_widest():
    image = keras.Input((8, 8, 3))
    parts = [layers.Conv2D(4, 3, padding="same", name=name)(image) for name in ("left", "right")]
    whole = layers.Conv2D(8, 3, padding="same", name="whole")(image)
    x = layers.Add()([layers.Concatenate()(parts), whole])
    x = layers.Dense(4, name="head")(layers.GlobalAveragePooling2D()(x))
    graph = tfprune.analyse(keras.Model(image, x))
    found = counts(graph, [0.25])
    assert found == {"whole": 6}
    keep = tfprune.select(graph, tfprune.score(graph, "l1", None), counts=found)
    assert keep["whole"].sum() == keep["left"].sum() + keep["right"].sum() == 6
    tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (
            "[0.5]*3",
            r"model 'residual': expected 2, received 3. In order they are for:\n"
            r"  \[0\] stem, outer\n  \[1\] inner$",
        ),
        ([0.5, 1.0], r"\[1\] of model 'residual' .inner.: expected .* in \[0, 1\); .* 1.0"),
        ([0.5, -0.1], r"\[1\] of model 'residual' .inner.: expected .*received -0.1"),
        (["0.5"] * 2, r"\[0\] .*received '0.5'"),
        ([0.0, 0.9], r"\[1\] .*.inner.: 0.9 leaves none of 6 channels"),
    ],
)
def test_lists_of_another_length_or_out_of_range_are_refused(rates, message):
    with pytest.raises(PruningError, match=message):
        counts(residual(), rates)
