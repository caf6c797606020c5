"""Filters far from the geometric median (He et al., FPGM, CVPR 2019, section 3.3, eq. 7)."""

from typing import Any

import numpy as np

from tfprune.criteria._filters import filter_weights
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.method import Method

# Distances grow with the size of the filters and their number.
METHOD = Method(comparable=False, samples=None)
_PIECE = 1 << 22  # numbers that are widened to float64 at a time: 32 MiB


def score(graph: ChannelGraph, data: Any = None) -> dict[str, np.ndarray]:
    """Score each channel by how far its filter is from the layer's others; needs no data.

    The score is the sum of the Euclidean distances of the filter to all filters of its layer:
    the one nearest to their geometric median can best be replaced by the rest. Biases do not
    count.

    Args:
        graph: channel graph of the model.
        data: not used.

    Returns:
        {layer name: float64 [C]}.
    """
    return {name: distances(_filters(graph, name)).sum(1) for name in graph.producers}


def distances(filters: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each pair of filters, float64 [C, C].

    Args:
        filters: [C, K], one filter of K weights per row.

    Example:
        >>> import numpy as np
        >>> distances(np.array([[0, 0], [3, 4]])).tolist()
        [[0.0, 5.0], [5.0, 0.0]]
    """
    count = len(filters)
    gram, step = np.zeros((count, count)), max(1, _PIECE // max(1, count))
    for start in range(0, filters.shape[1], step):
        piece = np.array(filters[:, start : start + step], np.float64)
        piece -= piece.mean(0)  # moving all filters alike keeps digits in the difference below
        gram += piece @ piece.T
    norms = np.diag(gram)
    squares = np.maximum(norms[:, None] + norms - 2 * gram, 0)
    np.fill_diagonal(squares, 0)  # rounding
    return np.sqrt(squares)


def _filters(graph: ChannelGraph, name: str) -> np.ndarray:
    """Return what makes each channel of a layer, [C, K]."""
    parts = [np.zeros((graph.channels(name), 0), np.float32)]
    for weight, slot in filter_weights(graph, name):
        order = np.argsort(slot.ids, kind="stable")  # gates of a recurrent layer lie side by side
        rows = np.moveaxis(weight, slot.axis, 0)[order]
        parts.append(rows.reshape(graph.channels(name), -1))
    return np.concatenate(parts, axis=1)
