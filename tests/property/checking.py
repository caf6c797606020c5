"""A random model pruned at random: equal to the masked one, reloadable, original untouched."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
from tests.masks import random_masks
from tests.oracle import masked_outputs
from tests.property.random_models import drawn_inputs
from tfprune.surgery.keras_faults import misplaced_biases
from tfprune.surgery.masks import kept_ids


def check(model: keras.Model, share: float, seed: int, path: Path) -> None:
    """Cut a share of a model's free units at random, and hold the result against the oracle.

    Args:
        model: any model that `drawn_inputs` knows how to feed.
        share: probability that a free unit goes, in [0, 1].
        seed: of the masks and the inputs.
        path: a file `*.keras` to write what is left to.
    """
    before = _state(model)
    graph = tfprune.analyse(model)
    opened = graph.model  # the model itself, unless it holds composite layers
    keep = random_masks(graph, share, seed)
    small = tfprune.rebuild(graph, keep)
    if misplaced_biases(opened, small):
        return  # Keras computes it wrongly, as `verify` says (tests/surgery/test_verification.py)
    inputs = drawn_inputs(model, seed)
    assert tfprune.verify(graph, keep, small, inputs=inputs).exact
    outputs = _outputs(small, inputs)
    for wanted, received in zip(masked_outputs(opened, keep, inputs), outputs, strict=True):
        scale = max(1e-3, float(np.abs(wanted).max()))
        np.testing.assert_allclose(received / scale, wanted / scale, rtol=0, atol=1e-5)
    small.save(path)
    again = _outputs(keras.models.load_model(path), inputs)
    assert all(map(np.array_equal, outputs, again))
    assert _state(model) == before
    left, kept = tfprune.analyse(small).producers, kept_ids(graph, keep)
    assert {name: len(ids) for name, ids in left.items()} == {
        name: int(kept[graph.producers[name]].sum()) for name in left
    }
    assert set(keep) - set(left) <= graph.on_request  # one head alone has no places of its own


def _outputs(model: keras.Model, inputs: Any) -> list[np.ndarray]:
    outputs = keras.tree.flatten(model(inputs, training=False))
    return [keras.ops.convert_to_numpy(y) for y in outputs]


def _state(model: keras.Model) -> list[Any]:
    nodes = [len(operation._inbound_nodes) for operation in model.operations]
    return [model.to_json(), nodes, *(weight.numpy().tobytes() for weight in model.weights)]
