"""What pruning leaves as it was: the caller's model, and all of the new one but its sizes."""

import json

import keras
import numpy as np
import pytest

import tfprune
from tests.toy_models import TOYS, UNSAVEABLE, random_keep
from tfprune.graph.keras_graph import is_graph, nodes
from tfprune.surgery.verification import random_inputs

SIZES = """filters units groups output_dim projection_dim target_shape output_shape batch_shape
newshape indices_or_sections num_heads num_query_heads num_key_value_heads epsilon
key_dim value_dim head_dim""".split()

# Keras warns of every mask that enters a model within the model.
pytestmark = pytest.mark.filterwarnings("ignore:Layer 'block'")


def state(model):
    """Return what must not change about a model: weights, arguments, and who calls whom."""
    weights = [weight.numpy().tobytes() for weight in model.variables]
    calls = [(op.name, len(op._inbound_nodes), len(op._outbound_nodes)) for op in operations(model)]
    return weights, calls


def operations(model):
    for node in nodes(model):
        yield node.operation
        if is_graph(node.operation):
            yield from operations(node.operation)


def paths(config, path=()):
    """Yield (path, value) of every entry of a nested config."""
    if isinstance(config, dict | list | tuple) and path[-1:] not in [(key,) for key in SIZES]:
        items = config.items() if isinstance(config, dict) else enumerate(config)
        for key, value in items:
            if key != "build_config":  # an adapted layer's tells of its samples
                yield from paths(value, (*path, key))
    else:
        yield path, repr(tuple(config) if isinstance(config, list) else config)


def layers_of(model):
    nested = [layers_of(x) if is_graph(x) else {} for x in model.layers]
    return {layer.name: layer for layer in model.layers} | {
        f"{outer.name}/{name}": layer
        for outer, inner in zip(model.layers, nested, strict=True)
        for name, layer in inner.items()
    }


@pytest.mark.parametrize("name", TOYS)
def test_the_callers_model_and_everything_but_sizes_stay(name):
    toy = TOYS[name]()
    before = state(toy.model)
    config = None if name in UNSAVEABLE else json.dumps(toy.model.get_config(), default=repr)
    graph = tfprune.analyse(toy.model)
    small = tfprune.rebuild(graph, random_keep(toy.units, 0, toy.always))
    assert state(toy.model) == before
    assert config is None or json.dumps(toy.model.get_config(), default=repr) == config

    assert small.name == toy.model.name
    assert small.trainable == toy.model.trainable
    old, new = layers_of(toy.model), layers_of(small)
    assert list(new) == list(old)
    for key, layer in old.items():
        assert type(new[key]) is type(layer)
        assert new[key] is not layer
        assert new[key].trainable == layer.trainable
        assert new[key].dtype_policy == layer.dtype_policy
        if not is_graph(layer):
            changed = (
                dict(paths(layer.get_config())).items() ^ dict(paths(new[key].get_config())).items()
            )
            assert {path[-1] for path, _ in changed} <= set(SIZES)
    assert [w.trainable for w in small.weights] == [w.trainable for w in toy.model.weights]
    assert [w.dtype for w in small.weights] == [w.dtype for w in toy.model.weights]


@pytest.mark.parametrize("name", [name for name in TOYS if name not in UNSAVEABLE])
def test_keeping_all_changes_nothing(name):
    toy = TOYS[name]()
    graph = tfprune.analyse(toy.model)
    same = tfprune.rebuild(graph, {})
    assert dict(paths(same.get_config())) == dict(paths(toy.model.get_config()))
    for old, new in zip(toy.model.weights, same.weights, strict=True):
        np.testing.assert_array_equal(old, new)


TWICE = """chain separable grouped squeeze_excite constants_per_channel recurrent self_attention
split_unevenly shuffle_net pixel_shuffle_channels_last slices taken padded_shortcut nested_twice
siamese generator sequential""".split()


def without_one(units, always):
    """Return keep masks that remove one unit, the first that leaves every layer another one."""
    for letter in sorted(set("".join(units.values())) - {".", *always}):
        if all(set(line) != {letter} for line in units.values()):
            masks = {name: np.array([c != letter for c in line]) for name, line in units.items()}
            rest = {name: line.replace(letter, "") for name, line in units.items()}
            return masks, rest
    raise AssertionError(units)


@pytest.mark.parametrize("name", TWICE)
def test_pruning_twice_is_pruning_once_by_the_product(name):
    toy = TOYS[name]()
    graph = tfprune.analyse(toy.model)
    first, left = without_one(toy.units, toy.always)
    second, _ = without_one(left, toy.always)
    half = tfprune.rebuild(graph, first)
    twice = tfprune.rebuild(tfprune.analyse(half), second)
    product = {layer: mask.copy() for layer, mask in first.items()}
    for layer, mask in second.items():
        product[layer][product[layer]] = mask
    once = tfprune.rebuild(graph, product)
    assert once.count_params() < half.count_params() < toy.model.count_params()
    for a, b in zip(once.weights, twice.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    inputs = random_inputs(toy.model, 0)
    a, b = (np.asarray(keras.tree.flatten(model(inputs))[0]) for model in (once, twice))
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
