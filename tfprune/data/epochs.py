"""From samples to batches: order, augmentation and normalisation of one epoch."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
import tensorflow as tf

from tfprune.checks import check_seed, check_whole
from tfprune.data import augmentation, normalisation
from tfprune.data.damaged import in_windows
from tfprune.data.sources import Source
from tfprune.data.statistics import Statistics
from tfprune.data.windows import Windows
from tfprune.errors import PruningError, require_known
from tfprune.tasks import Task

_PARALLEL = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}


class _Samples(Protocol):
    """What is needed of a split."""

    source: Source
    places: np.ndarray
    statistics: Statistics
    task: Task

    @property
    def skipped(self) -> tuple[str, ...]: ...

    def skip(self, places: Iterable[int]) -> None: ...

    def skip_named(self, names: Iterable[str]) -> None: ...


@dataclass(frozen=True, eq=False)
class Epochs:
    """The batches of every epoch of a training, each a pure function of (seed, epoch).

    So a training that is resumed at epoch e sees the pictures that an uninterrupted one sees.
    `Split.epochs` makes it, and says what its settings mean; `tfprune.fine_tune` takes it as
    `data`. Images that turn out to be damaged are left out of their batches, which are smaller
    then, and told to the split.
    """

    split: _Samples
    batch_size: int
    shuffle: bool
    augment: str
    normalisation: str
    seed: int
    drop_remainder: bool
    limit: int | None = None

    def __post_init__(self) -> None:
        source = self.split.source
        known = [*source.whole, *source.drawn]
        require_known(source.kind, self.augment, known)
        normalisation.require(
            self.normalisation, self.split.statistics, source.channels, source.normalisations
        )
        check_whole("batch_size", self.batch_size)
        check_seed("seed", self.seed)
        if self.limit is not None:
            check_whole("limit", self.limit)
        if len(self) == 0:
            raise PruningError(
                f"No batches: {self._count} images make no batch of {self.batch_size}. "
                "Use a smaller batch_size, or drop_remainder=False with a split that has images."
            )

    def __repr__(self) -> str:
        """Return what identifies a training: no limit goes unnamed, as when there was none."""
        named = [f.name for f in fields(self) if f.name != "limit" or self.limit is not None]
        return f"Epochs({', '.join(f'{name}={getattr(self, name)!r}' for name in named)})"

    def __len__(self) -> int:
        """Return the batches in an epoch, when no image has to be skipped."""
        full, rest = divmod(self._count, self.batch_size)
        return full if self.drop_remainder else full + (rest > 0)

    @property
    def _count(self) -> int:
        """The images of an epoch."""
        every = len(self.split.places)
        return every if self.limit is None else min(self.limit, every)

    def epoch(self, index: int) -> tf.data.Dataset:
        """Return the batches of epoch `index`, from 0: (float32 [B, H, W, C], labels [B, ...])."""
        every = self.some(index, range(len(self)))
        return every if self.split.source.whole_batches else every.filter(_has_images)

    def some(self, index: int, numbers: Sequence[int]) -> tf.data.Dataset:
        """Return some batches of an epoch, of which alone the images are read.

        Args:
            index: of the epoch, from 0.
            numbers: of the batches, from 0, ascending. One whose images are all damaged is there,
                and empty.
        """
        if self.split.source.whole_batches:
            return self._whole_batches(index, numbers)
        return self._read_alone(index, self._windows().some(numbers), numbers)

    def resized(self, batch_size: int) -> "Epochs | None":
        """Return the same images in batches of another size; None where that changes them.

        Args:
            batch_size: images in a batch.
        """
        if self.batch_size == batch_size:
            return self
        moved = self._augments_batches or self.drop_remainder
        return None if moved else replace(self, batch_size=batch_size)

    @property
    def skipped(self) -> tuple[str, ...]:
        """The names of the split's images that could not be decoded, as far as they were met."""
        return self.split.skipped

    def skip(self, names: Iterable[str]) -> None:
        """Tell the split of images that others could not decode."""
        self.split.skip_named(names)

    def shared(self, index: int, replicas: range, of: int) -> tf.data.Dataset | None:
        """Return what some replicas take of each batch of an epoch, one after the other.

        Only their images are read. Joined in the replicas' order, they are the batches of `epoch`;
        of a last one that has too few images, up to `of` - 1 are left out.

        Args:
            index: of the epoch, from 0.
            replicas: which ones.
            of: how many there are.

        Returns:
            None where batches are made whole: in memory, or as the augmentation wants it.

        Raises:
            tf.errors.InvalidArgumentError: while it is read, of a share no image of which can be.
        """
        if self.split.source.whole_batches or self._augments_batches:
            return None
        windows = self._windows().shares(replicas, of)
        shares = self._read_alone(index, windows, range(-(-windows.count // windows.size)))
        return shares.map(_require_images)

    def _windows(self) -> Windows:
        return Windows.batches(self._count, self.batch_size, drop_remainder=self.drop_remainder)

    def _whole_batches(self, index: int, numbers: Sequence[int]) -> tf.data.Dataset:
        """Return batches of a source that reads them whole."""
        read, finish, (_, of_batch) = self._read, self._finish, self._words(index)
        order, size = tf.constant(self._order(index)), self.batch_size

        def batch(number: tf.Tensor) -> tuple:
            key = tf.stack([of_batch, number])
            return finish(*read(order[number * size : (number + 1) * size], key), key)

        batches = tf.data.Dataset.from_tensor_slices(np.array(numbers, np.int64))
        return batches.map(batch, **_PARALLEL).prefetch(2)

    def _read_alone(self, index: int, windows: Windows, numbers: Sequence[int]) -> tf.data.Dataset:
        """Return windows of images that are read one by one; their numbers make the seeds."""
        # Made outside of the traces below, which would own the tensors they keep otherwise.
        read, finish = self._read, self._finish
        of_image, of_batch = self._words(index)
        order = self._order(index)[windows.turns]

        def sample(position: tf.Tensor, turn: tf.Tensor, place: tf.Tensor) -> tuple:
            return position, *read(place, tf.stack([of_image, turn]))

        def window(number: tf.Tensor, parts: tuple) -> tuple:
            return finish(*parts, tf.stack([of_batch, number]))

        places = np.full(windows.count, -1)
        places[windows.positions] = order
        samples = tf.data.Dataset.from_tensor_slices((windows.positions, windows.turns, order))
        samples = samples.map(sample, **_PARALLEL)
        if self.split.source.damaged:
            samples = samples.ignore_errors()
        parts = in_windows(samples, places, windows.size, self.split.skip)
        numbered = tf.data.Dataset.from_tensor_slices(np.array(numbers, np.int64))
        return tf.data.Dataset.zip(numbered, parts).map(window, **_PARALLEL).prefetch(2)

    def _order(self, epoch: int) -> np.ndarray:
        """Return the places of the images in the order of an epoch."""
        order = self.split.places.copy()
        if self.shuffle:
            np.random.default_rng([self.seed, epoch]).shuffle(order)
        return order[: self._count]

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

    @property
    def _augments_batches(self) -> bool:
        return self.augment != "none" and self.augment not in self.split.source.drawn

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


def _has_images(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.shape(images)[0] > 0


def _require_images(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    some = tf.debugging.assert_positive(
        tf.shape(images)[0],
        "None of the images that a replica takes of a batch can be read. Remove those that the "
        "warnings name, or use larger batches.",
    )
    with tf.control_dependencies([some]):
        return tf.identity(images), labels
