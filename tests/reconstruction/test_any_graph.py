"""Any graph is reconstructed without an error, and its outputs are never worse for it.

`pytest -m slow` tries more: TFPRUNE_GRAPHS says how many of each kind.
"""

import os
import random

import keras
import numpy as np
import pytest

import tfprune
from tests.abilities import require_channels_first
from tests.masks import random_masks
from tests.property.random_models import drawn_inputs, image_models, sequence_models
from tests.reconstruction.networks import weights
from tests.toy_models import TOYS, random_keep
from tfprune.surgery.verification import random_inputs

_MANY = int(os.environ.get("TFPRUNE_GRAPHS", "300"))
_MODELS = {"image": image_models, "sequence": sequence_models}


def outputs(model, batches):
    """The outputs for all batches as one: calling a recurrent layer takes long, samples do not."""
    joined = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)
    return [np.asarray(y, np.float64) for y in keras.tree.flatten(model(joined, training=False))]


def error(wanted, received):
    """The squared difference, summed over all samples."""
    return sum(float(((a - b) ** 2).sum()) for a, b in zip(wanted, received, strict=True))


def held_out(wanted, received):
    """The error of a pruned model, as it is: what is reported comes from layers run one by one."""
    sums = np.zeros(2)
    for a, b in zip(wanted, received, strict=True):
        sums += ((a - b)[4::5] ** 2).sum(), ((a - a.mean(axis=0))[4::5] ** 2).sum()
    return sums[0] / (sums[1] or 1.0)


def check(model, keep, batches):
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, keep)
    before = weights(model), weights(small)
    better, found = tfprune.reconstruct(graph, keep, small, [(x, None) for x in batches])
    assert (weights(model), weights(small)) == before
    wanted, cut, refitted = (outputs(m, batches) for m in (model, small, better))
    errors = error(wanted, cut), error(wanted, refitted)
    assert errors[1] <= errors[0] * (1 + 1e-4), str(found)
    # Half precision rounds, and a normalisation of what hardly varies magnifies it.
    noise = 1e-9 + 1e-6 * found.before
    assert found.after == pytest.approx(held_out(wanted, refitted), rel=0.05, abs=noise)
    assert not np.isnan([value for fit in found.layers for value in (fit.before, fit.after)]).any()
    return found, errors


@pytest.mark.filterwarnings("ignore:Layer 'block':UserWarning")  # it destroys a mask
@pytest.mark.parametrize("name", [name for name in TOYS if name != "stateful"])
def test_every_toy(name):
    require_channels_first(name)
    toy = TOYS[name]()
    given = toy.inputs is not None
    batches = [toy.inputs if given else random_inputs(toy.model, i) for i in range(6)]
    found, errors = check(toy.model, random_keep(toy.units, 1, toy.always), batches)
    skipped = [fit.layer for fit in found.layers if fit.skipped]
    assert not skipped
    if errors[0] > 1e-9 * len(batches):
        assert errors[1] < errors[0] or "got no better" in str(found)


def drawn(kind, seed, at_most):
    model = _MODELS[kind](random.Random(seed), at_most)
    keep = random_masks(tfprune.analyse(model), 0.4, seed)
    return check(model, keep, [drawn_inputs(model, i) for i in range(6)])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", _MODELS)
def test_random_graphs(kind, seed):
    drawn(kind, seed, 6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", _MODELS)
def test_many_random_graphs(kind):
    for seed in range(6, 6 + _MANY):
        drawn(kind, seed, 14)
