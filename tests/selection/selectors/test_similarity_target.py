"""A target for the similarity graph: the threshold that comes closest is found."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError


@pytest.fixture(scope="module")
def graph():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(24, 3, padding="same", name="a")(image)
    x = layers.Conv2D(32, 3, padding="same", name="b")(layers.ReLU()(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return tfprune.analyse(keras.Model(image, layers.Dense(4, name="head")(x)))


@pytest.fixture(scope="module")
def scores(graph):
    images = np.random.default_rng(0).standard_normal((20, 8, 8, 3)).astype("float32")
    return tfprune.score(graph, "similarity", images)


def share(graph, keep, kind):
    small = tfprune.rebuild(graph, keep)
    if kind == "macs":
        return tfprune.cost(small).macs / tfprune.cost(graph.model).macs
    return small.count_params() / graph.model.count_params()


@pytest.mark.parametrize("kind", ["macs", "params"])
def test_no_other_threshold_comes_much_closer(graph, scores, kind):
    found = abs(share(graph, tfprune.select(graph, scores, **{kind: 0.5}), kind) - 0.5)
    every = [
        abs(share(graph, tfprune.select(graph, scores, threshold=t), kind) - 0.5)
        for t in np.linspace(0.4, 1, 61)
    ]
    assert found <= min(every) + 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 0.5}, "expected threshold=.* macs=, params= or latency=.*received ratio=0.5"),
        ({"macs": 0.5, "scope": "global"}, "scope has no effect: a threshold is for every layer"),
        (
            {"macs": 0.01, "include": ["a"]},
            "macs=0.01 cannot be reached: with the lowest threshold, 0.0.*use another method",
        ),
        ({"macs": 0.5, "round_to": 8}, "round_to has no effect on a threshold"),
    ],
)
def test_requests_that_a_threshold_cannot_meet_are_refused(graph, scores, options, message):
    with pytest.raises(PruningError, match=message):
        tfprune.select(graph, scores, **options)
