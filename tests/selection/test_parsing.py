"""What needs no scores is refused before any are made, by every way to prune."""

import importlib

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.schedules import SoftPruning, iterative, soft

IMAGES = np.zeros((4, 6, 6, 3), "float32"), np.array([0, 1, 2, 0])


def net():
    """A block that adds to its stem, and a layer alone."""
    image = keras.Input((6, 6, 3))
    stem = layers.Conv2D(8, 3, padding="same", name="stem")(image)
    y = layers.Conv2D(8, 3, padding="same", name="block")(layers.ReLU()(stem))
    x = layers.Conv2D(5, 3, name="last")(layers.Add()([stem, y]))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(image, layers.Dense(3, name="head")(x))


@pytest.fixture(autouse=True)
def never_score(monkeypatch):
    def score(*args, **options):
        raise AssertionError("scored before what needs no scores was refused")

    for module in ("pruning.one_call", "schedules._choice", "schedules.soft"):
        monkeypatch.setattr(importlib.import_module(f"tfprune.{module}"), "score", score)


def by_prune(method, options):
    tfprune.prune(net(), [IMAGES], method, **options)


def by_steps(method, options):
    iterative(net(), [IMAGES], lambda m, step: m, method=method, steps=2, **options)


def by_soft(method, options):
    def train(model, name, callbacks):
        raise AssertionError("trained before what needs no scores was refused")

    soft(net(), [IMAGES], train, method=method, **options)


OF_ANY_WAY = [
    ("gfi", {"ratio": 1.5}, r"ratio must lie in \[0, 1\), .*received 1.5"),
    ("gfi", {"macs": 0.5, "scope": "all"}, "scope must be .* 'isomorphic', received 'all'"),
    ("fmc", {"ratio": 0.5, "round_to": 0}, "round_to must be a whole number from 1 on, received 0"),
    ("l1", {"ratio": 0.5, "include": "conv9*"}, "Unknown layer pattern in include 'conv9.'"),
    ("gfbs", {"ratio": 0.5, "exclude": ["nope"]}, "Unknown layer pattern in exclude 'nope'"),
    ("fgp", {"ratio": 0.5, "exclude": 3}, "patterns of layer names .* received 3"),
    ("fmc", {"macs": 0.5, "exclude": "*"}, "because no channel may go .stem: excluded"),
    ("gfi", {"ratio": 0.5, "cap": 1}, "cap must be True or False, received 1."),
    ("gfi", {"ratio": 0.5, "cap": "false"}, "cap must be True or False, received 'false'"),
    ("gfi", {"ratio": 0.5, "scope": "layer", "cap": True}, "cap has no effect on ratio per layer"),
    ("similarity", {"ratio": 0.5}, "expected threshold=.* received ratio=0.5"),
    ("similarity", {"macs": 0.5, "round_to": 8}, "round_to has no effect on a threshold"),
    ("similarity", {"macs": 0.5, "min_channels": 2}, "min_channels has no effect on a threshold"),
    ("similarity", {"params": 0.5, "scope": "global"}, "scope has no effect: a threshold is for"),
    ("l1", {"ratio": 0.5, "allow_inexact": "no"}, "allow_inexact must be True or False.*'no'"),
    ("l1", {"ratio": 0.5, "allow_inexact": 1}, "allow_inexact must be True or False, received 1"),
]  # fmt: skip
IN_ONE_SHOT = [
    ("gfi", {"ratio": 0.5, "macs": 0.5}, "received ratio and macs"),
    ("gfi", {"counts": {"stem": 4}, "scope": "layer"}, "scope='layer' has no effect with counts"),
    ("gfi", {"counts": {"stem": 4}, "cap": True}, "cap has no effect on counts per layer"),
    ("gfi", {"counts": {"stem": 9}}, r"counts\['stem'\] must be .* from 1 to 8; received 9"),
    ("fmc", {"ratios": {"stm": 0.5}}, "Unknown layer in ratios 'stm'.*mean 'stem'"),
    ("fmc", {"ratios": {"stem": 0.5, "block": 0.25}}, "'stem' .0.5. and 'block' .0.25. share chan"),
    ("fmc", {"counts": {"head": 2}}, "counts has no effect.* .head: output of the model"),
    ("fgp", {"threshold": 1.5}, r"mass: expected threshold= in \(0, 1\].*received 1.5"),
    ("similarity", {"threshold": 1.5}, "received threshold=1.5"),
]


@pytest.mark.parametrize("way", [by_prune, by_steps, by_soft])
@pytest.mark.parametrize(("method", "options", "message"), OF_ANY_WAY)
def test_no_way_to_prune_scores_before_it_refuses(way, method, options, message):
    with pytest.raises(PruningError, match=message):
        way(method, dict(options))


@pytest.mark.parametrize("way", [by_prune, by_soft])
@pytest.mark.parametrize(("method", "options", "message"), IN_ONE_SHOT)
def test_amounts_that_are_no_targets_are_refused_before_scoring(way, method, options, message):
    with pytest.raises(PruningError, match=message):
        way(method, dict(options))


def test_the_callback_alone_refuses_before_an_epoch():
    pruning = SoftPruning(ratio=0.5, exclude="nope")
    with pytest.raises(PruningError, match="Unknown layer pattern in exclude 'nope'"):
        tfprune.fine_tune(net(), IMAGES, epochs=1, clip_norm=1.0, callbacks=[pruning])
    with pytest.raises(PruningError, match=r"ratio must lie in \[0, 1\)"):
        SoftPruning(ratio=1.5)


def test_unknown_multiplications_are_refused_before_scoring():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, name="conv")(image)
    x = layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, x)
    for method in ("l1", "similarity"):
        with pytest.raises(PruningError, match="macs: layer 'conv' .*fixed input size"):
            tfprune.prune(model, [IMAGES], method, macs=0.5)


def test_a_cap_by_layer_is_refused_where_the_scores_alone_say_so():
    values = {"last": np.arange(5.0)}
    scores = tfprune.Scores("given", values, "adaptive", "layer")
    with pytest.raises(PruningError, match="cap has no effect on ratio per layer"):
        tfprune.select(tfprune.analyse(net()), scores, ratio=0.5, cap=True)
