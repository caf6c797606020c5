"""What every selection promises, on random models: by equation, for any scores."""

import fnmatch

import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tests.masks import random_masks
from tests.property.random_models import image_models

_SETTINGS = settings(
    max_examples=20, derandomize=True, deadline=None, database=None, print_blob=True,
    phases=[Phase.generate],  # to shrink a model takes minutes: see test_random_graphs.py
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
_RATIOS = st.sampled_from([0.5, 0.3, 0.7, 0.0, 0.99])
_SCOPES = st.sampled_from(["layer", "global", "isomorphic"])
_SEEDS = st.integers(0, 99)


def graph_and_scores(choices, seed):
    graph = tfprune.analyse(image_models(choices, at_most=6))
    hypothesis.assume(any(graph.free(name).any() for name in graph.producers))
    return graph, tfprune.score(graph, "random", None, seed=seed)


def assert_consistent(graph, keep):
    assert set(keep) == set(graph.producers)
    value_of = {}
    for name, mask in keep.items():
        assert mask.dtype == bool
        assert mask.any(), name
        assert mask[~graph.free(name)].all(), "a pinned channel is removed"
        for unit, kept in zip(graph.units_of(name).tolist(), mask.tolist(), strict=True):
            assert value_of.setdefault(unit, kept) == kept, "coupled channels differ"


@_SETTINGS
@given(st.randoms(), _RATIOS, _SEEDS)
def test_ratio_per_layer_is_never_exceeded(choices, ratio, seed):
    graph, scores = graph_and_scores(choices, seed)
    keep = tfprune.select(graph, scores, ratio=ratio, scope="layer")
    assert_consistent(graph, keep)
    for name, mask in keep.items():
        assert (~mask).sum() <= len(mask) * ratio + 1e-9, name


@_SETTINGS
@given(st.randoms(), _RATIOS, _SEEDS)
def test_global_ratio_is_never_exceeded(choices, ratio, seed):
    graph, scores = graph_and_scores(choices, seed)
    keep = tfprune.select(graph, scores, ratio=ratio, scope="global")
    assert_consistent(graph, keep)
    masks = np.concatenate(list(keep.values()))
    assert (~masks).sum() <= len(masks) * ratio + 1e-9


@_SETTINGS
@given(st.randoms(), _RATIOS, _SCOPES, st.integers(1, 4), _SEEDS)
def test_floor_is_kept(choices, ratio, scope, floor, seed):
    graph, scores = graph_and_scores(choices, seed)
    keep = tfprune.select(graph, scores, ratio=ratio, scope=scope, min_channels=floor)
    assert_consistent(graph, keep)
    for name, mask in keep.items():
        assert mask.sum() >= min(floor, len(mask)), name


@_SETTINGS
@given(st.randoms(), _RATIOS, _SCOPES, st.integers(2, 3), _SEEDS)
def test_counts_are_rounded_or_whole(choices, ratio, scope, multiple, seed):
    graph, scores = graph_and_scores(choices, seed)
    keep = tfprune.select(graph, scores, ratio=ratio, scope=scope, round_to=multiple)
    assert_consistent(graph, keep)
    for name, mask in keep.items():
        assert mask.all() or mask.sum() % multiple == 0, name


@_SETTINGS
@given(st.randoms(), st.sampled_from(["conv*", "*_1*", "*dense*"]), _SEEDS)
def test_include_and_exclude(choices, pattern, seed):
    graph, scores = graph_and_scores(choices, seed)
    matched = fnmatch.filter(graph.producers, pattern)
    hypothesis.assume(matched)
    try:
        kept = tfprune.select(graph, scores, ratio=0.5, exclude=pattern)
        only = tfprune.select(graph, scores, ratio=0.5, include=pattern)
    except tfprune.PruningError as error:  # all that may go is coupled across the pattern
        hypothesis.assume("no channel may go" not in str(error))
        raise
    assert_consistent(graph, kept)
    assert_consistent(graph, only)
    for name in graph.producers:
        assert (kept if name in matched else only)[name].all(), name


@_SETTINGS
@given(st.randoms(), _SEEDS)
def test_twice_is_once_by_the_product(choices, seed):
    graph, _ = graph_and_scores(choices, seed)
    both = random_masks(graph, 0.7, seed)
    later = np.random.default_rng(seed).random(len(graph.is_pinned)) < 0.5
    first = {name: mask | later[graph.units_of(name)] for name, mask in both.items()}
    second = {name: mask[first[name]] for name, mask in both.items()}
    between = tfprune.analyse(tfprune.rebuild(graph, first))
    # A reshaped tensor shrinks along its longest axis, which may be another one by then.
    hypothesis.assume(agree(between, second))
    once = tfprune.rebuild(graph, both)
    twice = tfprune.rebuild(between, second)
    for a, b in zip(once.weights, twice.weights, strict=True):
        assert a.path == b.path
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def agree(graph, keep):
    """Whether masks give the channels of each unit one value."""
    kept = [graph.units_of(name)[mask] for name, mask in keep.items()]
    removed = [graph.units_of(name)[~mask] for name, mask in keep.items()]
    return not set(np.concatenate(kept)) & set(np.concatenate(removed))


def wide_model(width, residual):
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(width, 3, padding="same", name="stem")(image)
    y = layers.Conv2D(width, 3, padding="same", name="branch")(x)
    x = layers.Add(name="add")([x, y]) if residual else y
    x = layers.Conv2D(2 * width, 3, name="top")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(5, name="classes")(x))


def macs(model):
    """Count by hand: positions of the output map times the kernel's size."""
    convolutions = [x for x in model.layers if isinstance(x, layers.Conv2D)]
    total = sum(int(np.prod(x.output.shape[1:3]) * np.prod(x.kernel.shape)) for x in convolutions)
    return total + int(np.prod(model.get_layer("classes").kernel.shape))


@pytest.mark.parametrize("kind", ["macs", "params"])
@pytest.mark.parametrize("scope", ["layer", "global", "isomorphic"])
@settings(_SETTINGS, max_examples=6)
@given(st.integers(60, 90), st.booleans(), st.floats(0.2, 0.95), _SEEDS)
def test_target_within_a_percent(kind, scope, width, residual, target, seed):
    model = wide_model(width, residual)
    graph = tfprune.analyse(model)
    scores = tfprune.score(graph, "random", None, seed=seed)
    keep = tfprune.select(graph, scores, **{kind: target}, scope=scope)
    small = tfprune.rebuild(graph, keep)
    count = macs if kind == "macs" else keras.Model.count_params
    # Below 60 channels one unit of the residual model is more than a percent of it.
    assert abs(count(small) / count(model) - target) <= 0.01
