"""The critical-difference diagram of a ranking (Demšar, JMLR 2006, figure 1)."""

from pathlib import Path
from typing import Any

from benchmarks.grid.statistics import Ranking

_ROW, _WIDTH = 0.32, 9.0  # inches


def name(contender: tuple[str, str]) -> str:
    """Return what a contender is called.

    Example:
        >>> name(("l2", "global")), name(("similarity", ""))
        ('l2, global', 'similarity')
    """
    return ", ".join(filter(None, contender))


def critical_difference(ranking: Ranking, title: str, path: Path) -> list[Path]:
    """Draw mean ranks on a line; a bar joins those that cannot be told apart.

    Args:
        ranking: what is drawn.
        title: over the drawing.
        path: without its ending.

    Returns:
        The files written: PNG and SVG.
    """
    import matplotlib as mpl  # noqa: PLC0415 - optional: of the extra `report`
    from matplotlib.figure import Figure  # noqa: PLC0415

    names, groups = list(ranking.ranks), ranking.groups()
    half = (len(names) + 1) // 2
    below = 0.6 + 0.25 * len(groups)
    figure = Figure(figsize=(_WIDTH, 1.1 + _ROW * (below + half) + 0.5))
    axes = figure.add_axes((0.22, 0.02, 0.56, 0.82))
    axes.set(xlim=(1, len(names)), ylim=(below + half + 0.3, -1.2))
    axes.spines[["left", "right", "bottom", "top"]].set_visible(False)
    axes.xaxis.tick_top()
    axes.set_yticks([])
    axes.set_xticks(range(1, len(names) + 1, 1 + len(names) // 16))
    axes.plot([1, len(names)], [-1.2, -1.2], color="black", linewidth=1.5, clip_on=False)
    for place, contender in enumerate(names):
        _label(axes, ranking, contender, place, half, below)
    for row, group in enumerate(groups):
        ends = [ranking.ranks[group[0]] - 0.06, ranking.ranks[group[-1]] + 0.06]
        axes.plot(ends, [0.25 * row] * 2, color="tab:blue", linewidth=3, solid_capstyle="butt")
    above = -2.9  # the line's numbers
    axes.plot([1, 1 + ranking.critical], [above] * 2, color="tab:blue", linewidth=3, clip_on=False)
    axes.text(1 + ranking.critical, above, f"  critical difference {ranking.critical:.1f}",
              va="center", fontsize=8)  # fmt: skip
    figure.suptitle(title, fontsize=10, y=0.995)
    files = [path.with_suffix(ending) for ending in (".png", ".svg")]
    with mpl.rc_context({"svg.hashsalt": "tfprune"}):  # the same figures give the same file
        for file in files:
            figure.savefig(file, dpi=120, metadata={"Date": None} if file.suffix == ".svg" else {})
    return files


def _label(
    axes: Any, ranking: Ranking, contender: tuple[str, str], place: int, half: int, below: float
) -> None:
    """Write a contender at its side, and draw the line from there to its rank."""
    left = place < half
    rank, end = ranking.ranks[contender], 1 if left else len(ranking.ranks)
    row = below + (place if left else len(ranking.ranks) - 1 - place)
    axes.plot([rank, rank, end], [-1.2, row, row], color="black", linewidth=0.8, clip_on=False)
    text = f"{name(contender)}  {rank:.1f}" if left else f"{rank:.1f}  {name(contender)}"
    shift = -0.1 if left else 0.1
    axes.text(end + shift, row, text, ha="right" if left else "left", va="center", fontsize=8)
