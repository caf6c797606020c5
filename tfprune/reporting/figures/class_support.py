"""How much each class is supported by each channel of a layer, and where the cut lies: figure 2."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def class_support(
    support: np.ndarray, keep: np.ndarray, names: Sequence[str], layer: str
) -> "Figure":
    """Draw the support of each class by each channel, those that stay on the left of a line.

    Within both parts the channels are in the order of their mean over the classes, the strongest
    first. Below stands that mean.

    Args:
        support: float [classes, C], as `tfprune.criteria.fgp.class_support` returns it.
        keep: bool [C], True = kept.
        names: of the classes.
        layer: name of the layer, for the title.

    Raises:
        PruningError: shapes that do not belong together.

    Example:
        >>> figure = class_support(np.eye(2, 3), np.array([True, True, False]), ["a", "b"], "conv")
        >>> [axes.get_xlabel() for axes in figure.axes][1]
        'channels of conv, the strongest first on both sides of the cut'
    """
    support, keep = np.asarray(support), np.asarray(keep, bool)
    if support.shape != (len(names), len(keep)):
        raise PruningError(
            f"class_support: expected support [classes, channels] = {(len(names), len(keep))}, "
            f"received {support.shape}."
        )
    mean = support.mean(0)
    order = np.lexsort((-mean, ~keep))
    figure = canvas(9, 1.8 + 0.28 * len(names))
    upper, lower = figure.subplots(
        2, 1, sharex=True, height_ratios=(max(1.2, 0.28 * len(names)), 1)
    )
    share = support / np.maximum(support.max(1, keepdims=True), np.finfo(float).tiny)
    drawn = upper.imshow(share[:, order], aspect="auto", cmap="viridis", vmin=0, vmax=1)
    upper.set_yticks(range(len(names)), names, fontsize=8)
    figure.colorbar(drawn, ax=upper, label="support, of the\nclass's greatest", pad=0.01)
    lower.bar(range(len(keep)), mean[order], width=1.0, color=np.where(keep[order], "C0", "0.7"))
    lower.set_ylabel("mean support", fontsize=8)
    lower.set_xlabel(f"channels of {layer}, the strongest first on both sides of the cut")
    lower.set_ylim(top=1.35 * max(mean.max(), np.finfo(float).tiny))  # room for two words
    cut = keep.sum() - 0.5
    for axes in (upper, lower):
        axes.axvline(cut, color="red", linewidth=1.5)
    lower.text(cut, lower.get_ylim()[1], " pruned", color="red", va="top", fontsize=8)
    lower.text(cut, lower.get_ylim()[1], "kept ", color="red", va="top", ha="right", fontsize=8)
    upper.set_title(f"{layer}: {keep.sum()} of {len(keep)} channels kept", fontsize=11)
    return figure
