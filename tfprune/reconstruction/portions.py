"""The samples of a reconstruction in portions, of which a worker reads those that it computes."""

import json
from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np
import tensorflow as tf

from tfprune.distribution import workers
from tfprune.distribution.shares import Shares
from tfprune.passes.parts import Parts
from tfprune.training.identity import digest

Portion = list[tf.Tensor]  # a flat list of the model's inputs


class Portions(Sequence):
    """Portions of samples; one that is not there is read when it is asked for.

    Args:
        sizes: samples of each.
        there: {number: portion} of those that are there.
        read: reads another one by its number.

    Example:
        >>> some = Portions([2, 1], {0: [tf.zeros(2)]}, lambda number: [tf.ones(1)])
        >>> [portion[0].numpy().tolist() for portion in some]
        [[0.0, 0.0], [1.0]]
    """

    def __init__(
        self, sizes: Sequence[int], there: dict[int, Portion], read: Callable[[int], Portion]
    ):
        self.sizes = sizes
        self._there, self._read = there, read

    @classmethod
    def whole(cls, portions: Sequence[Portion]) -> "Portions":
        """Return portions that are all there."""
        there = dict(enumerate(portions))
        return cls([int(portion[0].shape[0]) for portion in portions], there, there.__getitem__)

    @classmethod
    def apart(cls, parts: Parts, made: Callable[[tuple], Portion]) -> "Portions":
        """Return portions of which each of several workers reads its own.

        Args:
            parts: of the data; those without a sample are left out.
            made: makes a portion of one.
        """
        own: dict[int, Portion] = {}

        def sizes() -> bytes:
            numbers = Shares(parts.count).own
            own.update(zip(numbers, map(made, parts.some(numbers)), strict=True))
            return json.dumps([int(portion[0].shape[0]) for portion in own.values()]).encode()

        found = [size for text in workers.gathered(sizes) for size in json.loads(text)]
        parts.end(sum(found))
        left = [number for number, size in enumerate(found) if size]

        def read(place: int) -> Portion:
            [part] = parts.some([left[place]])
            return made(part)

        there = {place: own[number] for place, number in enumerate(left) if number in own}
        return cls([found[number] for number in left], there, read)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, number: int) -> Portion:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._there[number] if number in self._there else self._read(number)

    @property
    def starts(self) -> list[int]:
        """How many samples come before each portion, and of all."""
        return list(accumulate(self.sizes, initial=0))

    def fingerprint(self) -> str:
        """Return what tells these samples from others, on all workers."""
        own = Shares(len(self)).own

        def of_own() -> bytes:
            return "".join(digest(list(map(np.asarray, self[number]))) for number in own).encode()

        return b"".join(workers.gathered(of_own)).decode()
