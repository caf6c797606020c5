"""FP-FMC's figures: redundancy indices of a layer's channels, and how many clusters maps have."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas
from tfprune.reporting.figures._colours import GONE, KEPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDEST, _NUMBERED = 16.0, 105  # inches, and the channels whose numbers find room there


def redundancy_bars(index: np.ndarray, keep: np.ndarray, layer: str) -> "Figure":
    """Draw a bar per channel, the most redundant first; those that go are hatched.

    Args:
        index: float [C], the redundancy index: minus the scores of "fmc".
        keep: bool [C], True = kept.
        layer: name of the layer, for the title.

    Raises:
        PruningError: shapes that do not belong together.

    Example:
        >>> figure = redundancy_bars(np.array([1.0, 3.0]), np.array([True, False]), "stem")
        >>> [float(bar.get_height()) for bar in figure.axes[0].patches]
        [3.0, 1.0]
    """
    index, keep = np.asarray(index, float), np.asarray(keep, bool)
    if index.ndim != 1 or index.shape != keep.shape:
        raise PruningError(
            f"redundancy_bars: expected an index and a mask [C] each, received {index.shape} and "
            f"{keep.shape}."
        )
    order = np.argsort(-index, kind="stable")
    figure = canvas(min(max(4.0, 1.2 + 0.14 * len(index)), _WIDEST), 3.0)
    axes = figure.subplots()
    for place, channel in enumerate(order):
        axes.bar(place, index[channel], color=KEPT if keep[channel] else GONE, width=0.8,
                 hatch="" if keep[channel] else "///")  # fmt: skip
    # Of a wide layer the numbers would lie upon each other; the order is in the scores.
    told = len(order) if len(order) <= _NUMBERED else 0
    axes.set_xticks(range(told), order[:told], rotation=90, fontsize=6)
    axes.margins(x=0.01)
    axes.set(xlabel=f"channels of {layer} (hatched: gone)", ylabel="redundancy index")
    return figure


def cluster_boxes(counts: Mapping[str, Sequence[float]]) -> "Figure":
    """Draw a box plot per layer of K, the number of clusters that its maps fall into.

    Args:
        counts: {layer: K of each image}, as "fmc" keeps them in its `cache_dir` (step 0).

    Raises:
        PruningError: no layer, or one without a count.

    Example:
        >>> [t.get_text() for t in cluster_boxes({"a": [2, 3, 4]}).axes[0].get_xticklabels()]
        ['a']
    """
    if not counts or not all(len(values) for values in counts.values()):
        raise PruningError(
            "cluster_boxes: expected counts of at least one image per layer, received "
            f"{counts!r:.80}."
        )
    figure = canvas(max(4.0, 1.2 + 0.35 * len(counts)), 3.2)
    axes = figure.subplots()
    axes.boxplot([np.asarray(values, float) for values in counts.values()],
                 medianprops={"color": GONE, "linewidth": 1.6},
                 boxprops={"color": KEPT}, whiskerprops={"color": KEPT})  # fmt: skip
    axes.set_xticks(range(1, len(counts) + 1), list(counts), rotation=90, fontsize=7)
    axes.set_ylabel("clusters K")
    return figure
