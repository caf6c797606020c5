"""What the pictures show, read back from matplotlib's own objects."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.data.classes import Classes
from tfprune.errors import PruningError
from tfprune.reporting.figures.class_support import class_support
from tfprune.reporting.figures.heat_maps import heat, heat_maps
from tfprune.reporting.figures.overlay import overlay
from tfprune.reporting.figures.predictions import predictions

CLASSES = Classes(("sky", "road"), ((0, 0, 200), (90, 90, 90)))


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(image)
    x = keras.layers.ReLU()(x)
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="classes")(x))


IMAGE = np.random.default_rng(0).normal(size=(6, 8, 3)).astype("float32")


def naive_heat(model, number):
    """ReLU(w A) with w the mean over the pixels of the slope of the class's own pixels."""
    maps = tf.constant(model.get_layer("conv")(IMAGE[None]))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        logits = model.get_layer("classes")(tf.nn.relu(maps))
        taken = tf.cast(tf.argmax(logits, -1) == number, tf.float32)
        score = tf.reduce_sum(taken * logits[..., number])
    slopes = tape.gradient(score, maps).numpy()
    assert np.abs(slopes).max() > 0
    return np.maximum(slopes.mean((0, 1, 2)) * maps.numpy()[0], 0)


@pytest.mark.parametrize("number", [0, 1])
def test_heat_is_that_of_the_paper(model, number):
    expected = np.moveaxis(naive_heat(model, number), -1, 0)
    found = heat(model, IMAGE, "conv", [0, 2, 3], number)
    assert expected.max() > 0.01
    np.testing.assert_allclose(found, expected[[0, 2, 3]], atol=1e-5)


def test_heat_maps_name_classes_and_channels(model):
    figure = heat_maps(model, IMAGE, np.zeros((6, 8, 3)), "conv", [1, 3], {"sky": 0, "road": 1})
    axes = figure.axes[:6]
    assert [each.get_title() for each in axes[:3]] == ["photograph", "channel 1", "channel 3"]
    assert [axes[0].get_ylabel(), axes[3].get_ylabel()] == ["sky", "road"]
    np.testing.assert_allclose(
        axes[4].images[1].get_array(), heat(model, IMAGE, "conv", [1], 1)[0], atol=1e-6
    )
    with pytest.raises(PruningError, match=r"received layer='conv' of 4 channels, channels=\[4\]"):
        heat_maps(model, IMAGE, IMAGE, "conv", [4], {"sky": 0})
    with pytest.raises(PruningError, match="received layer='dense' of 0 channels"):
        heat_maps(model, IMAGE, IMAGE, "dense", [0], {"sky": 0})


def test_class_support_is_cut_between_kept_and_pruned():
    support = np.array([[1.0, 4.0, 2.0, 0.0], [1.0, 2.0, 4.0, 0.5]])
    keep = np.array([True, False, True, False])
    figure = class_support(support, keep, CLASSES.names, "conv")
    upper, lower = figure.axes[:2]
    order = [2, 0, 1, 3]  # kept first, by their means 3, 1 | 3, 0.25
    np.testing.assert_allclose(upper.images[0].get_array(), (support / 4)[:, order])
    np.testing.assert_allclose([bar.get_height() for bar in lower.patches], [3, 1, 3, 0.25])
    assert {line.get_xdata()[0] for line in (*upper.lines, *lower.lines)} == {1.5}
    assert upper.get_title() == "conv: 2 of 4 channels kept"
    assert [each.get_text() for each in upper.get_yticklabels()] == ["sky", "road"]
    with pytest.raises(PruningError, match=r"= \(2, 3\), received \(2, 4\)"):
        class_support(support, keep[:3], CLASSES.names, "conv")


def test_predictions_count_right_pixels_and_name_what_is_seen():
    picture, truth = np.zeros((2, 4, 3)), np.array([[0, 0, 0, 0], [0, 0, 255, 255]])
    wrong = np.array([[0, 0, 0, 1], [1, 1, 1, 1]])
    figure = predictions([picture], [truth], [truth], [wrong], CLASSES)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["photograph", "truth", "before pruning", "after pruning"]
    shares = [axes.get_xlabel() for axes in figure.axes[2:]]
    assert shares == ["100% of the pixels right", "50% of the pixels right"]
    assert [each.get_text() for each in figure.legends[0].get_texts()] == ["sky", "road", "void"]
    assert figure.axes[3].images[0].get_array()[1, 0].tolist() == [90, 90, 90]
    with pytest.raises(PruningError, match=r"at least one; received \[1, 1, 0, 1\]"):
        predictions([picture], [truth], [], [wrong], CLASSES)


def test_an_overlay_mixes_colours_beside_a_legend():
    picture = np.full((40, 30, 3), 100, np.uint8)
    labels = np.zeros((40, 30), int)
    labels[:, 20:] = 255
    drawn = np.asarray(overlay(picture, labels, CLASSES, strength=0.5))
    assert drawn[0, 0].tolist() == [50, 50, 150]
    assert drawn[0, 25].tolist() == [162, 162, 146]  # half void's 224, 224, 192
    assert drawn.shape[1] > 30
    legend = drawn[:, 30:]
    assert (legend == (0, 0, 200)).all(-1).sum() > 50
    assert not (legend == (90, 90, 90)).all(-1).any()  # there is no road
