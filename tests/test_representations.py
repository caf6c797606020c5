"""What stands in a shell or a log: a line, however large the model; `print` shows the table."""

import keras
import numpy as np
import pytest
from keras import layers

import models
import tfprune
from tests.shapes import shapes_only


def test_a_graph_and_a_cost_of_a_deep_network_are_one_line():
    with shapes_only():
        model = models.build("resnet56")
    graph, cost = tfprune.analyse(model), tfprune.cost(model)
    assert repr(graph) == (
        "<Channel graph of 'resnet56': 2,128 of 2,138 channels may go, 58 layers>"
    )
    assert repr(cost) == "<Cost (mac): 857,706 parameters, 125,747,840 MACs, 169 layers>"


@pytest.fixture(scope="module")
def values():
    """All that the path from a model to a smaller one returns."""
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(64, 3, activation="relu", name="a")(image)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(64, 3, name="b")(x))
    model = keras.Model(image, layers.Dense(64, name="end")(x), name="wide")
    images = np.random.default_rng(0).normal(size=(64, 8, 8, 3)).astype("float32")
    graph = tfprune.analyse(model)
    scores = tfprune.score(graph, "l1", None)
    _, report = tfprune.prune(model, None, "l1", ratio=0.5)
    small = tfprune.rebuild(graph, report.keep)
    _, found = tfprune.reconstruct(graph, report.keep, small, images)
    check = tfprune.verify(graph, report.keep, small)
    harm = tfprune.sensitivity(graph, images, scores)
    return graph, tfprune.cost(model), scores, report, found, check, harm


def test_every_public_value_is_a_line(values):
    for value in values:
        assert len(repr(value)) < 250, type(value).__name__
        assert "\n" not in repr(value)


def test_a_line_says_what_is_asked_first(values):
    _, _, scores, report, found, *_ = values
    assert repr(scores) == "<Scores by 'l1' of 3 layers>"
    assert "l1: 128 of 192 channels kept" in repr(report)
    assert f"{found.after:.2%} of" in repr(found)


def test_print_shows_the_whole_table(values):
    lines = str(values[0]).splitlines()
    assert [line.split()[0] for line in lines] == ["Channel", "layer", "a", "b", "end"]
