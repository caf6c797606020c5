"""FP-FMC's redundancy index (Li et al., 2023): how often filters are clustered together."""

import numpy as np

from tfprune.errors import PruningError, unknown

INDICES = ("label", "literal")
OUTLIER = -1


def redundancy(labels: np.ndarray, index: str = "label") -> np.ndarray:
    """Return the redundancy index of each filter from its clusters on several images.

    For every ordered pair of images (s, t): m is the largest overlap of a cluster of s with one
    of t, and the cluster's filters that lie in such a largest overlap gain m each, the others
    nothing. An outlier of s loses 1.

    Args:
        labels: int [S, C], the cluster of each filter on each image; -1 for outliers.
        index: "label" as above, where outliers of t overlap with nothing; "literal" as the
            original program computes: the first group of s, whether outliers or not, loses 1, and
            of t count the groups that s has too, its outliers among them.

    Returns:
        int64 [C]; the larger, the more redundant.

    Raises:
        PruningError: another index, or fewer than two images.

    Example:
        >>> redundancy(np.array([[0, 0, 1, -1], [1, 1, 1, 0]])).tolist()
        [4, 4, 1, -1]
    """
    labels = np.asarray(labels)
    if index not in INDICES:
        raise unknown("redundancy index (index=)", str(index), INDICES)
    if labels.ndim != 2 or len(labels) < 2:
        raise PruningError(
            f"The redundancy index compares pairs of images: expected labels [S, C] of at least 2 "
            f"images, received shape {labels.shape}. Pass more images."
        )
    groups = labels - OUTLIER  # group 0 holds the outliers
    member = (groups[..., None] == np.arange(groups.max() + 1)).astype(np.float32)  # [S, C, K]
    return sum(_gains(s, groups, member, index == "literal") for s in range(len(groups)))


def _gains(s: int, groups: np.ndarray, member: np.ndarray, literal: bool) -> np.ndarray:
    """Return what each filter gains from image s, against all others, int64 [C]."""
    # Sums of ones are exact in float32.
    overlap = np.matmul(member[s].T, member)  # [S, K of s, K of t]
    if literal:
        overlap[:, :, ~member[s].any(axis=0)] = 0
    else:
        overlap[:, :, 0] = 0
    largest = overlap.max(axis=2)[:, groups[s]]  # [S, C]
    own = overlap[np.arange(len(groups))[:, None], groups[s][None], groups]
    gains = np.where(own == largest, largest, 0)
    punished = groups[s] == (groups[s].min() if literal else 0)
    gains[:, punished] = -1
    gains[s] = 0
    return gains.sum(axis=0, dtype=np.float64).astype(np.int64)
