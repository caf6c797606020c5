"""Sums of maps over the images of each class, never more of them at a time than memory is given."""

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.passes import keeping
from tfprune.passes.each import each
from tfprune.passes.micro_batches import Part
from tfprune.passes.probe import Probe
from tfprune.passes.running_sums import OtherSamplesError, RunningSums

BYTES = 8  # the sums are float64
GIGABYTE = 10**9
COUNTS = "images of each class"

Group = Mapping[str, slice]  # {layer: its channels that one pass over the data sums up}


def groups(
    shapes: Mapping[str, tuple[int, ...]], at_once: int, memory: float
) -> list[dict[str, slice]]:
    """Spread channels over as few passes as the memory for their sums allows.

    Args:
        shapes: {layer: (height, width, channels)}.
        at_once: class maps of a channel there at a time, each height x width numbers: one of
            each class, and one of each class that a batch may hold.
        memory: bytes that the sums of one pass may take.

    Raises:
        PruningError: a single channel takes more.

    Example:
        >>> groups({"a": (2, 2, 3), "b": (1, 1, 4)}, at_once=1, memory=64)
        [{'a': slice(0, 2, None)}, {'a': slice(2, 3, None), 'b': slice(0, 4, None)}]
    """
    found: list[dict[str, slice]] = [{}]
    room = memory
    for name, (*size, channels) in shapes.items():
        each, start = BYTES * at_once * math.prod(size), 0
        if each > memory:
            raise PruningError(
                f"memory_gb={memory / GIGABYTE:g} is too little: the class sums of one channel of "
                f"layer {name!r} take {each / GIGABYTE:.3g} GB ({at_once} maps of "
                f"{' x '.join(map(str, size))}: one of each class, and one of each class that a "
                "batch may hold). Raise it, or use smaller images or batches."
            )
        while start < channels:
            if room < each:
                found.append({})
                room = memory
            stop = min(channels, start + int(room // each))
            found[-1][name] = slice(start, stop)
            room -= each * (stop - start)
            start = stop
    return found


def class_sums(
    probe: Probe, group: Group, images: Callable[[], Iterable[Part]], classes: int, name: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Sum the maps of each class in one pass over the data.

    Within `tfprune.passes.keeping.keeping` the sums are written now and then, and gone on from.

    Args:
        probe: the model with the layers' maps as its sites.
        group: {layer: the channels wanted}.
        images: returns parts of the data, (inputs, labels int [N]).
        classes: number of classes.
        name: of the group, among those of a model.

    Returns:
        {layer: float64 [classes, H, W, channels wanted]} and the images per class, int [classes].

    Raises:
        PruningError: inputs that do not suit the model, or images of several sizes.
    """
    with keeping.sums(name) as kept:
        try:
            return _summed(probe, group, images(), classes, kept)
        except OtherSamplesError:
            return _summed(probe, group, images(), classes, kept.anew())


def _summed(
    probe: Probe, group: Group, images: Iterable[Part], classes: int, kept: RunningSums
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    def summed(inputs: list, labels: tf.Tensor) -> tuple[dict[str, tf.Tensor], tuple]:
        present, index, number = tf.unique_with_counts(labels)
        found = probe.first_sites(inputs)
        # Opposite signs cancel: float32 would lose digits.
        wide = {name: tf.cast(found[name][..., part], tf.float64) for name, part in group.items()}
        parts = {
            name: tf.math.unsorted_segment_sum(maps, index, tf.size(present))
            for name, maps in wide.items()
        }
        return parts, (present, number)

    sums = dict(kept.begun)
    counts = sums.pop(COUNTS, np.zeros(classes, int))
    kept.state = lambda: {**sums, COUNTS: counts}
    for _, result in each(probe, summed, images, kept=kept):
        if result is None:
            continue
        found, (present, number) = result
        _add(sums, found, present, classes)
        del found, result  # else the sums of one part would be there until those of the next are
        counts[present] += number
    return sums, counts


def _add(
    sums: dict[str, np.ndarray],
    parts: Mapping[str, np.ndarray],
    present: np.ndarray,
    classes: int,
) -> None:
    """Add the sums of a part, [classes present, H, W, C], to those of all images."""
    for name, own in parts.items():
        total = sums.setdefault(name, np.zeros((classes, *own.shape[1:])))
        _check_size(name, total, own)
        for k, summed in zip(present, own, strict=True):
            total[k] += summed  # one class at a time: an index of several copies them


def _check_size(name: str, total: np.ndarray, maps: np.ndarray) -> None:
    if total.shape[1:] != maps.shape[1:]:
        sizes = [" x ".join(map(str, x.shape[1:3])) for x in (total, maps)]
        raise PruningError(
            f"The maps of layer {name!r} are {sizes[0]} in one batch and {sizes[1]} in another: "
            "means over a class need images of one size. Resize them."
        )
