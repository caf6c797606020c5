"""Images with masks class by class: one sample for each class that an image shows."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.criteria._class_samples import USER, Chosen, Quota, Sample, heard, rows_of
from tfprune.errors import PruningError
from tfprune.passes.batch import Batch
from tfprune.passes.divided import or_zeros
from tfprune.passes.each import each
from tfprune.passes.micro_batches import Part
from tfprune.passes.parts import Parts, in_parts, samples
from tfprune.passes.probe import Probe
from tfprune.tasks import Task


def by_mask(probe: Probe, data: Any, quota: Quota, size: int, task: Task) -> Iterable[Sample]:
    """Return images for each class that they show, with the pixels of that class.

    These are the pixels that the model takes for the class; where it takes none for it, those
    that the labels do; an image without either does not count for the class. Samples that go
    through the model together are of so few images that they are no more than `size`, or else of
    one image and a range of classes: each class meets its images in their order, whoever reads
    them.

    Args:
        probe: the model, which ends in logits [N, H, W, classes].
        data: batches of (inputs, class numbers [N, H, W]) or of inputs.
        quota: how many are taken of each class.
        size: how many samples go through the model at a time.
        task: knows the void label.
    """
    classes = probe.output_shape[-1]

    def part(number: int, batch: Batch) -> Part:
        if batch.labels is None:
            return (batch.inputs,)
        return batch.inputs, task.class_numbers(batch.labels, classes, USER)

    parts = in_parts(data, probe.model, USER, part, size=max(1, size // classes))
    if isinstance(parts, Parts):
        return Shown(parts, quota, probe, size)
    return _taken(probe, parts, quota, size)


class Shown(Chosen):
    """Samples of parts (inputs, masks), those that a quota takes.

    Each of several workers reads and predicts its own parts; all hear which classes the images of
    a round show, and count alike.

    Args:
        parts: all images.
        quota: which of their samples are taken.
        probe: the model.
        size: how many samples go through it at a time.
    """

    def __init__(self, parts: Parts, quota: Quota, probe: Probe, size: int):
        super().__init__(parts, quota)
        self._probe, self._size = probe, size
        self._ranges = math.ceil(probe.output_shape[-1] / size)
        self._left = 0  # ranges of classes that are still to come of this round's images

    @property
    def is_full(self) -> bool:
        """Whether no further part is needed."""
        return self._quota.is_full and not self._left

    def __iter__(self) -> Iterator[Sample]:
        images = Parts(self.some, self.count, self.data, self.user)
        return _taken(self._probe, iter(images), self._quota, self._size)

    def rounds(self, of: int) -> Iterator[int]:
        """Yield the parts of each round: one round for each range of classes."""
        return (count for count in super().rounds(of) for _ in range(self._ranges))

    def own(self, replicas: Sequence[int], of: int) -> Iterator[list[Sample]]:
        """Yield the samples of the parts of some replicas, one range of classes after the other."""
        parts = (part for parts in Parts.own(self, replicas, of) for part in parts)
        looks = _looks(self._probe, parts, alone=True)
        for count in super().rounds(of):
            own, shown = heard(lambda: islice(looks, len(replicas)), lambda look: look.shown)
            taken = [_pairs(found, self._quota) for found in shown[:count]]
            mine = [taken[min(replica, count - 1)] for replica in replicas]
            for number in range(self._ranges):
                self._left = self._ranges - number - 1
                ranges = (_within(pairs, number, self._size) for pairs in mine)
                yield [look.samples(pairs) for look, pairs in zip(own, ranges, strict=True)]


@dataclass(frozen=True)
class _Look:
    """What there is to see on some images.

    Args:
        inputs: of the model.
        truth: class numbers [N, H, W] of the labels, -1 for none.
        masks: those of the model.
        seen: bool [N, classes], which classes are in `masks`.
    """

    inputs: Any
    truth: np.ndarray
    masks: np.ndarray
    seen: np.ndarray

    @property
    def shown(self) -> np.ndarray:
        """Which classes are to be seen in either, bool [N, classes]."""
        counts = [np.bincount(x[x >= 0], minlength=self.seen.shape[1]) for x in self.truth]
        return self.seen | (np.array(counts, int).reshape(self.seen.shape) > 0)

    def samples(self, pairs: np.ndarray) -> Sample:
        """Return the samples of pairs (image, class), [P, 2]."""
        image, number = pairs.T
        model_sees = self.seen[image, number][:, None, None]
        masks = np.where(model_sees, self.masks[image], self.truth[image])
        shown = masks == number[:, None, None]
        return rows_of(self.inputs, image), np.int32(number), shown


def _taken(probe: Probe, parts: Iterable[Part], quota: Quota, size: int) -> Iterator[Sample]:
    """Yield the samples that a quota takes, one range of classes after the other."""
    for look in _looks(probe, parts):
        pairs = _pairs(look.shown, quota)
        for number in range(math.ceil(probe.output_shape[-1] / size)):
            if len(some := _within(pairs, number, size)):
                yield look.samples(some)
        if quota.is_full:
            return


def _looks(probe: Probe, parts: Iterable[Part], *, alone: bool = False) -> Iterator[_Look]:
    """Yield what there is to see in each part."""
    classes, waiting = probe.output_shape[-1], []

    def inputs() -> Iterator[Part]:
        for part in parts:
            waiting.append(part)
            yield or_zeros(part)[:1]

    def predict(inputs: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        numbers = tf.argmax(probe.run(inputs)[0], -1, tf.int32)
        return numbers, tf.stack([tf.reduce_any(numbers == d, [1, 2]) for d in range(classes)], 1)

    for _, found in each(probe, predict, inputs(), alone=alone):
        part = waiting.pop(0)
        masks, seen = (x[: samples(part)] for x in found)
        truth = _alike(part[1], masks) if len(part) > 1 else np.full_like(masks, -1)
        yield _Look(part[0], truth, masks, seen)


def _pairs(shown: np.ndarray, quota: Quota) -> np.ndarray:
    """Return the pairs (image, class), [P, 2], that a quota takes of those shown."""
    pairs = np.argwhere(shown)
    return pairs[quota.take(pairs[:, 1])]


def _within(pairs: np.ndarray, number: int, size: int) -> np.ndarray:
    """Return the pairs of a range of classes, which are `size` each."""
    return pairs[pairs[:, 1] // size == number]


def _alike(truth: np.ndarray, masks: np.ndarray) -> np.ndarray:
    if truth.shape != masks.shape:
        raise PruningError(
            f"{USER}: expected masks as large as the model's outputs, {masks.shape}; received "
            f"{truth.shape}. Resize them by the nearest pixel, or let the model upsample."
        )
    return truth
