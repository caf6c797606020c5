"""Samples in batches of a size that follows from the model alone."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.layer_calls import calls
from tfprune.passes.batch_errors import describing

MOST = 32  # samples: more make a pass on a processor no faster
NUMBERS = 2**28  # of all outputs of all layers: 1 GiB in float32, and as much again of gradients

Part = tuple[Any, ...]  # arrays or nested ones whose first axis counts samples


def micro_batch(graph: ChannelGraph) -> int:
    """Return how many samples go through a model at a time, a power of two.

    The last bits of what a kernel computes depend on the size of the batch. So it follows from
    the model alone, neither from how its user batches nor from the number of replicas. It is as
    many as keep the outputs of all layers within 1 GiB, at most 32.

    Args:
        graph: channel graph of the model; axes of unknown length count as 256.

    Example:
        >>> import keras, tfprune
        >>> wide = [keras.Input((64, 64, 3)), keras.layers.Conv2D(16384, 1), keras.layers.ReLU()]
        >>> micro_batch(tfprune.analyse(keras.Sequential(wide)))
        2
    """
    outputs = [x for owner in graph.owners.values() for call in owner.outputs for x in call]
    return min(MOST, _at_most(sum(map(_numbers, outputs))))


def inference_batch(model: keras.Model) -> int:
    """Return how many samples may go through a model at a time where no gradient is taken.

    As many, a power of two, as keep what is there at a time within 1 GiB: outputs of layers that
    are read later on. It follows from the model alone, too.

    Args:
        model: a functional or sequential model, of any layers.

    Example:
        >>> deep = [keras.Input((64, 64, 3)), *(keras.layers.Conv2D(64, 1) for _ in range(99))]
        >>> inference_batch(keras.Sequential(deep))
        512
    """
    order = list(calls(model))
    last = {id(x): place for place, call in enumerate(order) for x in call.inputs}
    there: dict[int, int] = {}
    most = 1
    for place, call in enumerate(order):
        there |= {id(x): _numbers(x) for x in call.outputs}
        most = max(most, sum(there.values()))
        for tensor in (*call.inputs, *call.outputs):
            if last.get(id(tensor), place) == place:
                there.pop(id(tensor), None)
    return _at_most(most)


def _numbers(tensor: Any) -> int:
    """Return the numbers of a tensor for one sample."""
    return math.prod(size or 256 for size in tensor.shape[1:])


def _at_most(numbers: int) -> int:
    return 2 ** max(0, int(math.log2(NUMBERS / max(1, numbers))))


def recut(parts: Iterable[Part], size: int) -> Iterator[Part]:
    """Yield the samples of all parts in parts of one size, in their order; the last is smaller.

    Where the shape of the samples changes, a part ends early.

    Args:
        parts: each a tuple of arrays, or of nested ones, of equal length.
        size: samples per part.

    Raises:
        PruningError: arrays of one part that are no arrays, or of unequal length.

    Example:
        >>> stream = [(np.arange(5),), (np.arange(5, 7),)]
        >>> [part[0].tolist() for part in recut(stream, 3)]
        [[0, 1, 2], [3, 4, 5], [6]]
    """
    waiting: list[list[np.ndarray]] = []  # flat parts, together smaller than a new one
    structure: Any = None
    for part in parts:
        flat = _flat(part)
        if not len(flat[0]):
            continue
        if waiting and not _alike(waiting[0], flat):
            yield _packed(structure, _joined(waiting))
            waiting = []
        structure = part
        waiting.append(flat)
        if sum(len(x[0]) for x in waiting) < size:
            continue
        flat = _joined(waiting)
        whole = len(flat[0]) - len(flat[0]) % size
        for start in range(0, whole, size):
            yield _packed(structure, [x[start : start + size] for x in flat])
        waiting = [[x[whole:] for x in flat]] if whole < len(flat[0]) else []
    if waiting:
        yield _packed(structure, _joined(waiting))


def _flat(part: Part) -> list[np.ndarray]:
    with describing("inputs", part[0]):
        flat = [keras.ops.convert_to_numpy(x) for x in keras.tree.flatten(part)]
        counts = {len(x) for x in flat}
    if len(counts) > 1:
        shapes = [x.shape for x in flat]
        raise PruningError(
            "expected the same number of samples in inputs, labels and weights of one batch, "
            f"received arrays of shapes {shapes}. Give one each."
        )
    return flat


def _packed(structure: Any, flat: list[np.ndarray]) -> Any:
    return keras.tree.pack_sequence_as(structure, flat)


def _joined(waiting: list[list[np.ndarray]]) -> list[np.ndarray]:
    if len(waiting) == 1:
        return waiting[0]
    return [np.concatenate(column) for column in zip(*waiting, strict=True)]


def _alike(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return [x.shape[1:] for x in one] == [x.shape[1:] for x in other]
