"""Empty figures of matplotlib, which belongs to the extra "report"."""

from typing import TYPE_CHECKING

from tfprune.errors import PruningError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def canvas(width: float, height: float) -> "Figure":
    """Return an empty figure, its size in inches; pyplot, which keeps every figure, is not asked.

    Raises:
        PruningError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - it may be missing
    except ImportError as error:
        raise PruningError(
            "Figures need matplotlib: install it with `pip install 'tfprune[report]'`."
        ) from error
    return Figure(figsize=(width, height), dpi=120, layout="constrained")
