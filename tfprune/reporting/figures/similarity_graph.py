"""A layer's channels as vertices, similar ones joined: which of them stay (Li et al. 2023)."""

from typing import TYPE_CHECKING

import numpy as np

from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas
from tfprune.reporting.figures._colours import GONE, KEPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NUMBERED = 48  # vertices whose numbers find room around the circle


def similarity_graph(
    similarity: np.ndarray, keep: np.ndarray, threshold: float, layer: str
) -> "Figure":
    """Draw channels on a circle, a line between those at least as similar as the threshold.

    Args:
        similarity: float [C, C] in [0, 1], from the criterion "similarity".
        keep: bool [C], True = kept: a disc; others are crosses.
        threshold: similarity from which two channels count as alike.
        layer: name of the layer, for the title.

    Raises:
        PruningError: shapes that do not belong together.

    Example:
        >>> alike = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
        >>> figure = similarity_graph(alike, np.array([True, False, True]), 0.7, "stem")
        >>> len(figure.axes[0].collections[0].get_segments())
        1
    """
    similarity, keep = np.asarray(similarity, float), np.asarray(keep, bool)
    if similarity.shape != (len(keep), len(keep)):
        raise PruningError(
            f"similarity_graph: expected similarities {(len(keep), len(keep))}, received "
            f"{similarity.shape}."
        )
    from matplotlib.collections import LineCollection  # noqa: PLC0415 - of the extra `report`

    figure = canvas(5.2, 5.4)
    axes = figure.subplots()
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(keep)) / len(keep)
    places = np.stack([np.cos(angle), np.sin(angle)], 1)
    first, second = np.nonzero(np.triu(similarity >= threshold, 1))
    lines = LineCollection(
        np.stack([places[first], places[second]], 1), colors="0.35", linewidths=0.8, zorder=1,
        alpha=max(0.08, min(0.7, 60 / (len(first) or 1))),  # many lines would hide each other
    )  # fmt: skip
    axes.add_collection(lines)
    size = min(60.0, 3000 / len(keep))  # points squared: neighbours do not lie upon each other
    axes.scatter(*places[keep].T, s=size, color=KEPT, label=f"kept ({keep.sum()})", zorder=2)
    axes.scatter(*places[~keep].T, s=size, color=GONE, marker="X", zorder=2,
                 label=f"deleted ({(~keep).sum()})")  # fmt: skip
    for channel in range(0, len(keep), -(-len(keep) // _NUMBERED)):
        x, y = 1.12 * places[channel]
        axes.text(x, y, str(channel), ha="center", va="center", fontsize=7)
    axes.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal")
    axes.set_title(f"{layer}: joined from a similarity of {threshold:g} on", fontsize=10)
    axes.axis("off")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure
