"""Every toy's units are those drawn beside it."""

from collections import defaultdict

import numpy as np
import pytest

import tfprune
from tests.toy_models import TOYS

INEXACT = """layer_norm layer_norm_over_everything
softmax_over_channels softmax_inside_a_layer""".split()

# Keras warns of every mask that enters a model within the model.
pytestmark = pytest.mark.filterwarnings("ignore:Layer 'block'")


def drawn(graph, units):
    """Return the graph's units in the letters of `units`, with "?" where they differ."""
    letters = defaultdict(set)
    for name, line in units.items():
        for unit, letter in zip(graph.units_of(name).tolist(), line, strict=True):
            letters[unit].add("." if unit in graph.pinned else letter)
    alone = {unit: chosen.pop() if len(chosen) == 1 else "?" for unit, chosen in letters.items()}
    counts = defaultdict(set)
    for unit, letter in alone.items():
        counts[letter].add(unit)
    split = {letter for letter, ids in counts.items() if letter != "." and len(ids) > 1}
    return {
        name: "".join("!" if alone[u] in split else alone[u] for u in graph.units_of(name).tolist())
        for name in graph.producers
    }


@pytest.mark.parametrize("name", TOYS)
def test_units_are_the_drawn_ones(name):
    toy = TOYS[name]()
    graph = tfprune.analyse(toy.model)
    assert (toy.inexact is not None) == (name in INEXACT)
    assert set(graph.producers) == set(toy.units)
    assert drawn(graph, toy.units) == toy.units
    for layer, words in toy.why.items():
        for unit in np.unique(graph.units_of(layer)).tolist():
            assert words in graph.pinned[unit]


@pytest.mark.parametrize("name", INEXACT)
def test_units_that_change_a_statistic_are_free_on_request(name):
    toy = TOYS[name]()
    graph = tfprune.analyse(toy.model, allow_inexact=True)
    assert drawn(graph, toy.inexact) == toy.inexact
    assert graph.inexact
