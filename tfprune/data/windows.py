"""How the samples of an epoch fall into batches: all, some, or what some replicas take of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """Windows of one size, one behind the other, whose positions samples fill in part.

    Args:
        size: positions of a window.
        positions: int64 [N], those with a sample, ascending.
        turns: int64 [N], which sample of the epoch stands there, counted from 0.
        count: positions of all windows.
    """

    size: int
    positions: np.ndarray
    turns: np.ndarray
    count: int

    @classmethod
    def batches(cls, samples: int, batch_size: int, *, drop_remainder: bool = False) -> "Windows":
        """Return a window per batch.

        Example:
            >>> Windows.batches(7, 3, drop_remainder=True).turns.tolist()
            [0, 1, 2, 3, 4, 5]
        """
        turns = np.arange(samples - samples % batch_size if drop_remainder else samples)
        return cls(batch_size, turns, turns, len(turns))

    def some(self, numbers: Sequence[int]) -> "Windows":
        """Return some of these windows, none of which has gaps yet, by their numbers in order.

        Example:
            >>> some = Windows.batches(8, 3).some([0, 2])
            >>> some.positions.tolist(), some.turns.tolist(), some.count
            ([0, 1, 2, 3, 4], [0, 1, 2, 6, 7], 5)
        """
        own = [self.turns[n * self.size : (n + 1) * self.size] for n in numbers]
        turns = np.concatenate([np.zeros(0, np.int64), *own])
        return Windows(self.size, np.arange(len(turns)), turns, len(turns))

    def shares(self, replicas: range, of: int) -> "Windows":
        """Return, for each of these windows, one per replica, as TensorFlow divides a batch.

        Every replica needs a sample: where the last window has too few, up to one sample less
        than there are replicas is left out.

        Args:
            replicas: which ones.
            of: how many there are.

        Example:
            >>> shares = Windows.batches(11, 7).shares(range(2, 4), of=4)
            >>> shares.size, shares.positions.tolist(), shares.turns.tolist(), shares.count
            (2, [0, 1, 2, 4, 6], [4, 5, 6, 9, 10], 8)
        """
        starts = range(0, self.count, self.size)
        sizes = [_shortened(min(self.size, self.count - start), of) for start in starts]
        width = -(-max([1, *sizes]) // of)  # windows of nothing are refused
        positions, turns, count = [], [], 0
        for start, size in zip(starts, sizes, strict=True):
            share = -(-size // of)
            for replica in replicas if size else ():
                own = np.arange(min(share * replica, size), min(share * (replica + 1), size))
                turns.append(self.turns[start + own])
                positions.append(count + np.arange(len(own)))
                count += width
        joined = (np.concatenate([np.zeros(0, np.int64), *parts]) for parts in (positions, turns))
        return Windows(width, *joined, count)


def _shortened(size: int, replicas: int) -> int:
    share = -(-size // replicas)
    return size if share * (replicas - 1) < size else size - size % replicas
