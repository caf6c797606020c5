"""GFI-AP's figure: what a run gives for one amount after the other, in six panels."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas
from tfprune.reporting.figures._colours import KEPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = {
    "threshold": "threshold",
    "macs": "FLOPs (multiply-adds)",
    "parameters": "parameters",
    "accuracy_before": "accuracy before fine-tuning",
    "accuracy_after": "accuracy after fine-tuning",
    "seconds": "time in seconds",
}


def sweep_panels(rows: Sequence[Mapping[str, float]]) -> "Figure":
    """Draw six figures against the share p of filters below the threshold.

    Args:
        rows: a run each, with "p" and a value for each name of `PANELS`.

    Raises:
        PruningError: no row, or one without a value.

    Example:
        >>> row = {"p": 0.5, **dict.fromkeys(PANELS, 1.0)}
        >>> len(sweep_panels([row]).axes)
        6
    """
    missing = [name for name in ("p", *PANELS) if any(name not in row for row in rows)]
    if not rows or missing:
        raise PruningError(
            f"sweep_panels: expected rows with p, {', '.join(PANELS)}; received "
            f"{f'some without {missing[0]}' if rows else 'none'}."
        )
    rows = sorted(rows, key=lambda row: row["p"])
    figure = canvas(9.0, 5.0)
    for axes, (name, label) in zip(figure.subplots(2, 3).flat, PANELS.items(), strict=True):
        axes.plot([row["p"] for row in rows], [row[name] for row in rows], "o-", color=KEPT)
        axes.set_xlabel("p", fontsize=8)
        axes.set_title(label, fontsize=9)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    return figure
