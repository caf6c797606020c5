"""How a layer's scores are spread, and where the cut falls."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas
from tfprune.reporting.figures._colours import GONE, KEPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS = 4  # layers in a row


def score_distributions(
    scores: Mapping[str, np.ndarray], keep: Mapping[str, np.ndarray], bins: int = 20
) -> "Figure":
    """Draw a histogram per layer, what stays and what goes one upon the other.

    Args:
        scores: {layer: float [C]}; `scores.by_channel()` of what `tfprune.score` returns.
        keep: {layer: bool [C], True = kept}; layers without scores are passed over.
        bins: of a histogram, at least 1.

    Raises:
        PruningError: no layer with scores, or scores and masks of different lengths.

    Example:
        >>> figure = score_distributions({"a": np.arange(4.0)}, {"a": np.arange(4) > 1}, bins=2)
        >>> [float(bar.get_height()) for bar in figure.axes[0].patches]
        [0.0, 2.0, 2.0, 0.0]
    """
    names = [name for name in keep if name in scores]
    wrong = [name for name in names if np.shape(scores[name]) != np.shape(keep[name])]
    if not names or wrong:
        what = f"layer {wrong[0]!r} with {np.shape(scores[wrong[0]])}" if wrong else "none"
        raise PruningError(
            "score_distributions: expected scores [C] of at least one layer, of the masks' "
            f"lengths; received {what}. Pass scores.by_channel() for similarities of pairs."
        )
    rows = -(-len(names) // _ACROSS)
    across = min(len(names), _ACROSS)
    figure = canvas(2.6 * across + 0.6, 1.9 * rows + 0.5)
    grid = figure.subplots(rows, across, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        value, stays = np.asarray(scores[name]), np.asarray(keep[name], bool)
        axes.hist([value[stays], value[~stays]], bins=bins, stacked=True, color=[KEPT, GONE],
                  hatch=["", "///"], label=["kept", "gone"])  # fmt: skip
        axes.set_title(name, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.yaxis.get_major_locator().set_params(integer=True)
    for axes in list(grid.flat)[len(names) :]:
        axes.set_visible(False)
    figure.supxlabel("score", fontsize=8)
    figure.supylabel("channels", fontsize=8)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    return figure
