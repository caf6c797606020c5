"""What every selector promises, and that a new one is one file."""

import inspect
import sys

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import plugins
from tfprune.selection import selectors
from tfprune.selection.selecting import choose

SELECTORS = plugins.names(selectors)


def graph_of():
    """A block that adds to its stem, a split layer, and an output that is pinned."""
    image = keras.Input((8, 8, 3))
    stem = layers.Conv2D(8, 3, padding="same", name="stem")(image)
    y = layers.Conv2D(6, 3, padding="same", name="inner")(layers.ReLU()(stem))
    y = layers.Conv2D(8, 3, padding="same", name="outer")(layers.ReLU()(y))
    left, right = keras.ops.split(layers.Add()([stem, y]), 2, axis=-1)
    x = layers.Concatenate()([layers.Conv2D(4, 1, name="left")(left), right])
    x = layers.GlobalAveragePooling2D()(x)
    return tfprune.analyse(keras.Model(image, layers.Dense(3, name="head")(x)))


def scores_of(graph, selector):
    rng = np.random.default_rng(0)
    values = {name: rng.random(graph.channels(name)) for name in graph.producers}
    if selector == "similarity":
        values = {name: np.ones((len(value), len(value))) for name, value in values.items()}
    return tfprune.Scores("given", values, selector, "global")


@pytest.mark.parametrize("selector", SELECTORS)
def test_own_options_are_keywords_with_defaults(selector):
    given = inspect.signature(plugins.find(selectors, selector, "selector").keep_masks).parameters
    assert list(given)[:3] == ["graph", "scores", "request"]
    own = list(given.values())[3:]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in own)


@pytest.mark.parametrize("selector", SELECTORS)
def test_refusals_take_what_the_selection_takes_but_no_scores(selector):
    module = plugins.find(selectors, selector, "selector")
    given = inspect.signature(module.keep_masks).parameters
    refusing = inspect.signature(module.check).parameters
    assert list(refusing) == [name for name in given if name != "scores"]
    assert all(refusing[name].default == p.default for name, p in [*given.items()][3:])


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("amount", [{"threshold": 0.9}, {"macs": 0.5}, {"params": 0.6}])
def test_the_masks_suit_the_model(selector, amount):
    graph = graph_of()
    scores = scores_of(graph, selector)
    before = {name: value.copy() for name, value in scores.items()}
    keep, notes = choose(graph, scores, **amount)
    assert list(keep) == list(graph.producers)
    assert keep["head"].all()  # pinned
    assert not all(mask.all() for mask in keep.values())
    assert all(isinstance(line, str) for line in notes)
    tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))
    for name, value in scores.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.fixture
def own_selector(tmp_path, monkeypatch):
    """The example of the package's docstring, as a file of the package."""
    _, _, body = selectors.__doc__.partition("    def keep_masks")
    body, _, _ = body.partition("\n\n")
    source = "from tfprune.selection._cut_plan import cut_plan\n\ndef keep_masks" + body
    (tmp_path / "halves.py").write_text(source.replace("\n    ", "\n"))
    monkeypatch.setattr(selectors, "__path__", [*selectors.__path__, str(tmp_path)])
    yield "halves"
    sys.modules.pop("tfprune.selection.selectors.halves", None)
    vars(selectors).pop("halves", None)


def test_the_selector_of_the_docstring_is_found_and_prunes(own_selector):
    graph = graph_of()
    keep, notes = choose(graph, scores_of(graph, own_selector), threshold=0)
    assert {name: int(mask.sum()) for name, mask in keep.items()} == {
        "stem": 5, "inner": 4, "outer": 5, "left": 3, "head": 3,
    }  # fmt: skip
    assert notes == []
