"""How far each group of coupled layers is cut: a prefix of its units, worst first."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfprune.selection._candidates import Candidates


@dataclass(frozen=True)
class Cuts:
    """For every group of coupled layers, its units in the order in which they go.

    Args:
        found: the candidates.
        sequences: int [U_g] per group, indices into the candidates; every prefix respects the
            quotas, so a selection is nothing but a prefix length per group.
    """

    found: Candidates
    sequences: tuple[np.ndarray, ...]

    @property
    def whole(self) -> np.ndarray:
        """The lengths of the sequences, int [groups]."""
        return np.array([len(sequence) for sequence in self.sequences], int)

    def units(self, lengths: np.ndarray) -> np.ndarray:
        """Return the units removed by prefixes of these lengths."""
        parts = [s[:n] for s, n in zip(self.sequences, lengths, strict=True)]
        return self.found.units[np.concatenate([np.zeros(0, int), *parts])]

    def merged(self, key: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
        """Return the group of each removal in one common order, ascending by key(sequence, i)."""
        keys = [np.maximum.accumulate(key(s)) if len(s) else key(s) for s in self.sequences]
        groups = np.repeat(np.arange(len(keys)), self.whole)
        return groups[np.argsort(np.concatenate([np.zeros(0), *keys]), kind="stable")]

    def weights(self, order: np.ndarray) -> np.ndarray:
        """Return how many scored channels go with each removal of a merged order."""
        position = np.zeros(len(self.sequences), int)
        weights = np.zeros(len(order), int)
        for i, group in enumerate(order):
            weights[i] = self.found.scored[self.sequences[group][position[group]]]
            position[group] += 1
        return weights

    def prefix(self, order: np.ndarray, count: int) -> np.ndarray:
        """Return the lengths of the sequences after the first removals of a merged order."""
        return np.bincount(order[:count], minlength=len(self.sequences))

    def rounded(self, lengths: np.ndarray, channels: np.ndarray, multiple: int) -> np.ndarray:
        """Return the longest prefixes that leave every layer a multiple of channels, or whole."""
        if multiple == 1:
            return lengths
        columns = self.found.counts.tocsc()
        result = lengths.copy()
        for group, sequence in enumerate(self.sequences):
            while result[group]:
                gone = columns[:, self.found.units[sequence[: result[group]]]].sum(axis=1)
                gone = np.asarray(gone).ravel()
                if not ((channels - gone)[gone > 0] % multiple).any():
                    break
                result[group] -= 1
        return result


def cuts(found: Candidates, quota: np.ndarray, stays: np.ndarray) -> Cuts:
    """Order each group's units by rank, leaving out those that would exceed a layer's quota.

    Args:
        found: the candidates.
        quota: int [L], how many channels each layer may lose at most.
        stays: bool [U], candidates that are not to go after all.
    """
    order = np.argsort(found.ranks, kind="stable")  # of equal scores the later channel stays
    order = order[~stays[order]]
    names = found.groups[order]
    columns = found.counts.tocsc()[:, found.units]
    sequences = [
        _within(order[names == group], columns, quota) for group in np.unique(found.groups)
    ]
    return Cuts(found, tuple(sequences))


def _within(order: np.ndarray, columns: object, quota: np.ndarray) -> np.ndarray:
    part = columns[:, order]
    if not len(order):
        return order
    if (np.diff(part.indptr) == part.indptr[1]).all():
        rows = part.indices.reshape(len(order), -1)
        counts = part.data.reshape(len(order), -1)
        if (rows == rows[0]).all() and (counts == counts[0]).all():  # nearly always
            return order[: int((quota[rows[0]] // counts[0]).min())]
    return _one_by_one(order, part, quota)


def _one_by_one(order: np.ndarray, part: object, quota: np.ndarray) -> np.ndarray:
    left, taken = quota.copy(), []
    for i in range(len(order)):
        column = slice(part.indptr[i], part.indptr[i + 1])
        rows, counts = part.indices[column], part.data[column]
        if (left[rows] >= counts).all():
            left[rows] -= counts
            taken.append(order[i])
    return np.array(taken, int)
