"""Prune one network at random in two ways: whether that was right, and how far it reached."""

import hashlib
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

import tfprune
from tests.masks import random_masks
from tests.oracle import masked_outputs
from tests.zoo.applications import images
from tfprune import files
from tfprune.graph.channel_graph import ChannelGraph


@dataclass(frozen=True)
class Row:
    """One network's line of the table.

    Args:
        network: its name.
        operations: calls in its graph, inputs included.
        channels: outputs of all convolutions and dense layers but the classifier's.
        free_units: units that may go.
        reach: share of those channels that may go.
        reach_inexact: the same with allow_inexact=True.
        pinned: {reason: channels that stay for it}, as text.
        analyse_s: seconds for `analyse`.
        rebuild_s: seconds for `rebuild` at half of the channels.
        weights_left: share of the weights left at half of the channels.
        verify: largest difference that `verify` found, as a share of the outputs' scale.
        oracle: the same against an oracle that knows no rules (tests/oracle.py).
        unstructured: the same where every free unit goes or stays by a coin's fall.
        reloaded: whether the saved and reloaded model gives the same bits.
    """

    network: str
    operations: int
    channels: int
    free_units: int
    reach: float
    reach_inexact: float
    pinned: str
    analyse_s: float
    rebuild_s: float
    weights_left: float
    verify: float
    oracle: float
    unstructured: float
    reloaded: bool

    @property
    def difference(self) -> float:
        """The largest of all differences."""
        return max(self.verify, self.oracle, self.unstructured)

    def cells(self) -> dict[str, str]:
        """Return the row as text, numbers rounded."""
        return {key: _text(value) for key, value in asdict(self).items()}


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def measure(model: keras.Model, folder: Path, seed: int) -> Row:
    """Prune a network, and measure everything a row tells.

    Args:
        model: a network with lively weights; it must come out as it went in.
        folder: where to save the pruned model for a moment.
        seed: seed of the masks.
    """
    before = fingerprint(model)
    batch = images(model, seed + 1, count=2)
    analyse_s, graph = _timed(lambda: tfprune.analyse(model))
    scores = tfprune.score(graph, "random", None, seed=seed)
    keep = tfprune.select(graph, scores, ratio=0.5)
    rebuild_s, small = _timed(lambda: tfprune.rebuild(graph, keep))
    check = tfprune.verify(graph, keep, small, inputs=batch)
    oracle = difference(model, keep, small, batch)
    reloaded = reloads(small, batch, folder)
    left = small.count_params() / model.count_params()
    del small
    keep = random_masks(graph, 0.5, seed)
    unstructured = difference(model, keep, tfprune.rebuild(graph, keep), batch)
    assert fingerprint(model) == before, "the caller's model was changed"
    assert check.changed, "pruning changed nothing"
    return Row(
        model.name, len(model.operations), sum(counted(model).values()),
        int((~graph.is_pinned).sum()), reach(graph), reach(inexactly(model)), reasons(graph),
        analyse_s, rebuild_s, left, check.relative, oracle, unstructured, reloaded,
    )  # fmt: skip


def counted(model: keras.Model) -> dict[str, int]:
    """Return {layer: channels it makes} of all convolutions and dense layers but the classifier."""
    sizes = {x.name: getattr(x, "filters", None) or getattr(x, "units", None)
             for x in model.layers}  # fmt: skip
    return {name: size for name, size in sizes.items() if size and name != _classifier(model)}


def _classifier(model: keras.Model) -> str:
    """Return the layer whose channels are the classes: the last that is not just a form of them."""
    operation = model.outputs[0]._keras_history.operation
    while not (hasattr(operation, "filters") or hasattr(operation, "units")):
        operation = operation.input._keras_history.operation
    return operation.name


def reach(graph: ChannelGraph) -> float:
    """Return the share of a network's channels that may go."""
    channels = counted(graph.model)
    free = sum(int(graph.free(name).sum()) for name in channels if name in graph.producers)
    return free / sum(channels.values())


def inexactly(model: keras.Model) -> ChannelGraph:
    """Return the channel graph that also frees what changes a statistic."""
    return tfprune.analyse(model, allow_inexact=True)


def reasons(graph: ChannelGraph) -> str:
    """Return why channels stay, each reason without the layer's name, and how many."""
    count: Counter[str] = Counter()
    for name in counted(graph.model):
        for unit in graph.units_of(name)[~graph.free(name)].tolist():
            count[graph.pinned[unit].split(": ", 1)[-1]] += 1
    return "; ".join(f"{reason}: {n}" for reason, n in count.most_common())


def difference(model: keras.Model, keep: dict, small: keras.Model, batch: np.ndarray) -> float:
    """Return the largest difference to the oracle as a share of its scale, over all outputs."""
    wanted = masked_outputs(model, keep, batch)
    received = [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(small(batch))]
    scale = max(float(np.abs(y).max()) for y in wanted)
    assert scale > 0, "the masked model is silent, so nothing is proven"
    pairs = zip(wanted, received, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs) / scale


def reloads(model: keras.Model, batch: np.ndarray, folder: Path) -> bool:
    """Return whether a model gives the same bits after `.keras` and back, and clean up."""
    path = folder / "pruned.keras"
    model.save(path)
    outputs = model(batch)
    again = keras.models.load_model(path)(batch)
    files.remove(path)
    return all(map(np.array_equal, keras.tree.flatten(outputs), keras.tree.flatten(again)))


def fingerprint(model: keras.Model) -> str:
    """Return a digest of a model's structure and weights."""
    digest = hashlib.sha256(model.to_json().encode())
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight.numpy()))
    return digest.hexdigest()


def _timed(task):
    start = time.perf_counter()
    result = task()
    return time.perf_counter() - start, result
