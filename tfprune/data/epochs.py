"""From samples to batches: order, augmentation and normalisation of one epoch."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf

from tfprune.checks import check_seed, check_whole
from tfprune.data import augmentation, normalisation
from tfprune.data.damaged import without_damaged
from tfprune.data.sources import Source
from tfprune.data.statistics import Statistics
from tfprune.errors import PruningError, require_known
from tfprune.tasks import Task


class _Samples(Protocol):
    """What is needed of a split."""

    source: Source
    places: np.ndarray
    statistics: Statistics
    task: Task

    def skip(self, places: Iterable[int]) -> None: ...


@dataclass(frozen=True, eq=False)
class Epochs:
    """The batches of every epoch of a training, each a pure function of (seed, epoch).

    So a training that is resumed at epoch e sees the pictures that an uninterrupted one sees.
    `Split.epochs` makes it, and says what its settings mean; `tfprune.fine_tune` takes it as
    `data`. Images that turn out to be damaged are left out and told to the split, so an epoch
    may have fewer batches than `len` says.
    """

    split: _Samples
    batch_size: int
    shuffle: bool
    augment: str
    normalisation: str
    seed: int
    drop_remainder: bool

    def __post_init__(self) -> None:
        source = self.split.source
        known = [*source.whole, *source.drawn]
        require_known(source.kind, self.augment, known)
        normalisation.require(
            self.normalisation, self.split.statistics, source.channels, source.normalisations
        )
        check_whole("batch_size", self.batch_size)
        check_seed("seed", self.seed)
        if len(self) == 0:
            raise PruningError(
                f"No batches: {len(self.split.places)} images make no batch of {self.batch_size}. "
                "Use a smaller batch_size, or drop_remainder=False with a split that has images."
            )

    def __len__(self) -> int:
        """Return the batches in an epoch, when no image has to be skipped."""
        full, rest = divmod(len(self.split.places), self.batch_size)
        return full if self.drop_remainder else full + (rest > 0)

    def epoch(self, index: int) -> tf.data.Dataset:
        """Return the batches of epoch `index`, from 0: (float32 [B, H, W, C], labels [B, ...])."""
        source, order = self.split.source, self._order(index)
        # Made outside of the traces below, which would own the tensors they keep otherwise.
        read, finish = self._read, self._finish
        of_image, of_batch = self._words(index)

        def sample(turn: tf.Tensor, place: tf.Tensor) -> tuple:
            return turn, *read(place, tf.stack([of_image, turn]))

        def batch(turn: tf.Tensor, parts: tuple) -> tuple:
            return finish(*parts, tf.stack([of_batch, turn]))

        parallel = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}
        places = tf.data.Dataset.from_tensor_slices(order)
        samples = self._cut(places, source.whole_batches).enumerate().map(sample, **parallel)
        if source.damaged:
            samples = without_damaged(samples, order, self.split.skip)
        samples = samples.map(lambda turn, image, label: (image, label))
        batches = self._cut(samples, not source.whole_batches).enumerate()
        return batches.map(batch, **parallel).prefetch(2)

    def _cut(self, elements: tf.data.Dataset, wanted: bool) -> tf.data.Dataset:
        if not wanted:
            return elements
        return elements.batch(self.batch_size, drop_remainder=self.drop_remainder)

    def _order(self, epoch: int) -> np.ndarray:
        """Return the places of the images in the order of an epoch."""
        order = self.split.places.copy()
        if self.shuffle:
            np.random.default_rng([self.seed, epoch]).shuffle(order)
        return order

    def _words(self, epoch: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return random words of an epoch, of which each image and batch makes seeds.

        Where nothing is drawn image by image, the first word is the batches'.
        """
        count = 1 if self.split.source.whole_batches else 2
        words = np.random.SeedSequence([self.seed, epoch, 1]).generate_state(count)
        return tuple(tf.constant(words[[0, -1]], tf.int64))

    @functools.cached_property
    def _read(self) -> tf.types.experimental.PolymorphicFunction:
        return self.split.source.reader(self.augment)

    @functools.cached_property
    def _finish(self) -> tf.types.experimental.PolymorphicFunction:
        task, statistics = self.split.task, self.split.statistics
        drawn = self.augment in self.split.source.drawn
        augment = augmentation.find("none" if drawn else self.augment)
        move = None if drawn else augmentation.of_labels(self.augment, task)
        normalise = normalisation.find(self.normalisation)

        @tf.function
        def finish(images: tf.Tensor, labels: tf.Tensor, key: tf.Tensor) -> tuple:
            labels = labels if move is None else move(labels, key)
            if self.normalisation == "pixel":
                # The mean image belongs to pictures that have not moved (both papers' order);
                # with the other normalisations the padding is black, as in torchvision.
                return augment(normalise(images, statistics), key), labels
            return normalise(augment(images, key), statistics), labels

        return finish
