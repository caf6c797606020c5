"""How many channels each layer keeps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas
from tfprune.reporting.figures._colours import KEPT, REST

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def kept_channels(keep: Mapping[str, np.ndarray]) -> "Figure":
    """Draw a bar per layer: its channels, and how many of them stay.

    Args:
        keep: {layer: bool [C], True = kept}, as `tfprune.select` returns them.

    Raises:
        PruningError: no layer.

    Example:
        >>> figure = kept_channels({"stem": np.array([True, False])})
        >>> [float(bar.get_height()) for bar in figure.axes[0].patches]
        [2.0, 1.0]
    """
    if not keep:
        raise PruningError("kept_channels: expected masks of at least one layer, received none.")
    names = list(keep)
    figure = canvas(max(4.5, 1.5 + 0.28 * len(names)), 3.8)
    axes = figure.subplots()
    axes.bar(range(len(names)), [float(len(keep[name])) for name in names], color=REST,
             label="channels")  # fmt: skip
    axes.bar(range(len(names)), [float(np.sum(keep[name])) for name in names], color=KEPT,
             label="kept", width=0.6)  # fmt: skip
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.margins(x=1 / (2 * len(names)))
    axes.set_ylabel("channels")
    axes.yaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    return figure
