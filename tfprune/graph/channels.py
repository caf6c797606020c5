"""The ids of a tensor's channels: an integer array that moves as the tensor's numbers would."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Shape: TypeAlias = tuple[int | None, ...]

# Stands for an axis of unknown size while ids are moved. Where ids repeat along such an axis, two
# sizes must give the same answer; it is large enough that slices such as x[:, 1:-1] stay non-empty.
UNKNOWN = 16


@dataclass(frozen=True)
class Channels:
    """The channel ids of one tensor.

    Args:
        ids: int array with one axis per axis of the tensor. An axis along which the ids do not
            change has length 1, so that a feature map of any size costs only its channels. Along
            an axis of unknown size they may repeat, as heads do that lie among the samples,
            [samples * heads, ...]: it has the length of one round.
        shape: the tensor's shape, `None` where it is unknown.
    """

    ids: np.ndarray
    shape: Shape

    @property
    def varying(self) -> tuple[int, ...]:
        """The axes along which the ids change."""
        return tuple(axis for axis, size in enumerate(self.ids.shape) if size > 1)

    @property
    def rounds(self) -> tuple[int, ...]:
        """The axes of unknown size along which the ids repeat."""
        return tuple(axis for axis in self.varying if self.shape[axis] is None)

    def along(self, axis: int) -> np.ndarray:
        """Return the ids [C] along `axis`, taken at the first position of every other axis."""
        axis %= len(self.shape)
        index = tuple(slice(None) if i == axis else 0 for i in range(self.ids.ndim))
        line = self.ids[index]
        return line if len(line) > 1 else np.repeat(line, self.shape[axis] or 1)

    def kept_along(self, axis: int, kept: np.ndarray) -> np.ndarray:
        """Return which places along an axis are left, bool [C].

        Args:
            axis: the axis.
            kept: which ids stay, bool [ids].
        """
        others = tuple(other for other in range(self.ids.ndim) if other != axis)
        left = kept[self.ids].any(axis=others)
        # One channel may fill the whole axis, as after repeating it.
        return left if len(left) > 1 else np.repeat(left, self.shape[axis] or 1)

    def sizes(self, kept: np.ndarray) -> list[int | None]:
        """Return the tensor's shape once only the ids in `kept` are left."""
        shape: list[int | None] = list(self.shape)
        for axis in set(self.varying) - set(self.rounds):
            shape[axis] = int(self.kept_along(axis, kept).sum())
        return shape

    def full(self, batch: int = 1, unknown: int = UNKNOWN) -> np.ndarray:
        """Return the ids in the tensor's true shape, without copying what does not change.

        Args:
            batch: number of samples, where the tensor leaves it open.
            unknown: size of other axes that it leaves open.
        """
        if not self.shape:
            return self.ids
        ids, sizes = self.ids, []
        for axis, size in enumerate(self.shape):
            times = unknown if axis else batch
            if axis in self.rounds:
                ids = np.concatenate([ids] * times, axis=axis)
            sizes.append(size or times * self.ids.shape[axis])
        return np.broadcast_to(ids, sizes)


def spread(line: np.ndarray, axis: int, shape: Shape) -> Channels:
    """Return the channels of a tensor of `shape` whose ids `line` [C] lie along `axis`."""
    view = [1] * len(shape)
    view[axis] = len(line)
    return Channels(line.reshape(view), tuple(shape))


def collapse(ids: np.ndarray, shape: Shape) -> Channels:
    """Return the channels of a tensor of `shape` from a full id array, each flat axis shortened."""
    for axis, size in enumerate(ids.shape):
        if size > 1:
            first = ids.take([0], axis=axis)
            if (ids == first).all():
                ids = first
            elif shape[axis] is None:
                ids = ids.take(range(_round(ids, axis)), axis=axis)
    return Channels(ids, tuple(shape))


def _round(ids: np.ndarray, axis: int) -> int:
    """Return after how many places along an axis the ids begin anew."""
    line = np.moveaxis(ids, axis, 0)
    lengths = (n for n in range(1, len(line)) if len(line) % n == 0)
    return next((n for n in lengths if (line[n:] == line[:-n]).all()), len(line))
