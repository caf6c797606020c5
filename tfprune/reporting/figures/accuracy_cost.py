"""Accuracy against the cost that is left, a line per method."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas
from tfprune.reporting.figures._colours import CYCLE, MARKS, STROKES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def accuracy_cost(
    methods: Mapping[str, Sequence[tuple[float, float]]], cost: str = "MACs left"
) -> "Figure":
    """Draw what accuracy each method keeps at which cost.

    Args:
        methods: {method: (share of the cost that is left, accuracy) each, both in [0, 1]}.
        cost: what the horizontal axis counts.

    Raises:
        PruningError: no method.

    Example:
        >>> figure = accuracy_cost({"l1": [(0.5, 0.9), (0.25, 0.8)]})
        >>> figure.axes[0].lines[0].get_xydata().tolist()
        [[25.0, 80.0], [50.0, 90.0]]
    """
    if not methods:
        raise PruningError("accuracy_cost: expected points of at least one method, received none.")
    figure = canvas(5.6, 3.8)
    axes = figure.subplots()
    for place, (name, points) in enumerate(methods.items()):
        colour, mark = CYCLE[place % len(CYCLE)], MARKS[place % len(MARKS)]
        style = STROKES[place // len(CYCLE) % len(STROKES)]
        along = sorted((100 * share, 100 * accuracy) for share, accuracy in points)
        axes.plot(*zip(*along, strict=True), color=colour, marker=mark, linestyle=style,
                  markersize=5, label=name)  # fmt: skip
    axes.set(xlabel=f"{cost}, %", ylabel="accuracy, %")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8, handlelength=3)
    return figure
