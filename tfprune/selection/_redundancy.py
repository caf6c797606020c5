"""The walk over a layer's graph of similar channels (Li et al. 2023): one of each set stays."""

from collections.abc import Mapping

import numpy as np


def hundredths(similarity: np.ndarray) -> np.ndarray:
    """Return similarities in whole hundredths, so that sums of them are equal where they should be.

    Args:
        similarity: float [C, C].

    Returns:
        int64 [C, C], rounded as Python does.

    Example:
        >>> hundredths(np.array([[1, 0.875], [0.875, 1]])).tolist()
        [[100, 88], [88, 100]]
    """
    # Of n images there are only 64 n + 1. Not numpy's round: of 0.975 it makes 0.98, Python 0.97.
    values, places = np.unique(similarity, return_inverse=True)
    rounded = np.array([round(round(float(value), 2) * 100) for value in values], np.int64)
    return rounded[places].reshape(similarity.shape)


def redundant(
    similarity: np.ndarray, threshold: float, rounded: np.ndarray | None = None
) -> np.ndarray:
    """Return which channels of a layer are redundant, bool [C].

    Channels are joined where they are at least as similar as the threshold. Vertices are visited
    in ascending order; degrees and weights are those of the full graph throughout. A pair is
    settled for the visited one; a leaf of a bigger vertex goes; of a vertex and its undecided
    neighbours the one with most neighbours stays (then the heaviest, then the visited one).

    Args:
        similarity: float [C, C], symmetric.
        threshold: similarity from which two channels count as alike, in [0, 1].
        rounded: `hundredths(similarity)`, for a caller that tries several thresholds.

    Example:
        >>> redundant(np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]]), 0.7).tolist()
        [False, True, False]
    """
    joined = (similarity >= threshold) & ~np.eye(len(similarity), dtype=bool)
    neighbours = [np.flatnonzero(row).tolist() for row in joined]
    rounded = hundredths(similarity) if rounded is None else rounded
    weights = (rounded * joined).sum(axis=1).tolist()
    decided: dict[int, bool] = {}  # True: saved
    for v, near in enumerate(neighbours):
        if near and v not in decided:
            decided.update(_verdict(v, neighbours, weights, decided))
    return np.array([not decided.get(v, True) for v in range(len(neighbours))])


def _verdict(
    v: int, neighbours: list[list[int]], weights: list[int], decided: Mapping[int, bool]
) -> dict[int, bool]:
    near = neighbours[v]
    if len(near) == 1:
        alone = len(neighbours[near[0]]) == 1
        return {v: True, near[0]: False} if alone else {v: False}
    open_ones = [v, *(u for u in near if u not in decided)]
    best = max(open_ones, key=lambda u: (len(neighbours[u]), weights[u]))  # the first of equals
    return {u: u == best for u in open_ones}
