"""Charts as inline SVG, drawn from numbers alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfprune.texts import Share, escaped, readable

# A phone shows a chart at about this many pixels, so that its letters stay as large as the text.
_WIDTH, _HEIGHT = 360, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 14, 34  # left of it: 0.000125
_CLASSES = ("first", "second", "third", "fourth")


@dataclass(frozen=True)
class Lines:
    """Curves over epochs.

    Args:
        title: what is drawn.
        across: what the horizontal axis counts.
        series: {name: (x, y) each}, at most four; of one point only the point is drawn.
        shares: whether the values are parts of a whole, told as percentages.

    Example:
        >>> Lines("loss", "epoch", {"training": [(1, 0.5), (2, 0.25)]}).html().count("<polyline")
        1
    """

    title: str
    across: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    shares: bool = False

    def html(self) -> str:
        """Return a figure with axes, a legend and a text for those who do not see it."""
        points = [point for line in self.series.values() for point in line]
        xs, ys = ([point[axis] for point in points] for axis in (0, 1))
        down, right = ticks(min(ys), max(ys)), whole_ticks(min(xs), max(xs))
        horizontal = _scale(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT)
        vertical = _scale(down[0], down[-1], _HEIGHT - _BOTTOM, _TOP)
        parts = [_grid(self._tick(y), vertical(y)) for y in down]
        parts += [
            f'<text class=tick x="{horizontal(x):.1f}" y="{_HEIGHT - _BOTTOM + 16}" '
            f"text-anchor=middle>{escaped(readable(x))}</text>"
            for x in right
        ]
        parts.append(
            f'<text class=tick x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 3}" text-anchor=end>'
            f"{escaped(self.across)}</text>"
        )
        legend = []
        for kind, (name, line) in zip(_CLASSES, self.series.items(), strict=False):
            places = [(horizontal(x), vertical(y)) for x, y in line]
            parts.append(_curve(kind, places))
            legend.append(f'<li class="{kind}"><span></span>{escaped(name)}</li>')
        told = Share if self.shares else float
        ends = ((name, readable(told(line[-1][1]))) for name, line in self.series.items())
        last = "; ".join(f"{name} ends at {value}" for name, value in ends)
        return (
            f"<figure><figcaption>{escaped(self.title)}</figcaption>"
            f'<svg class=lines viewBox="0 0 {_WIDTH} {_HEIGHT}" role=img '
            f'aria-label="{escaped(self.title)}: {escaped(last)}">{"".join(parts)}</svg>'
            f"<ul class=legend>{''.join(legend)}</ul></figure>"
        )

    def _tick(self, value: float) -> str:
        return f"{100 * value:g}%" if self.shares else f"{value:g}"


@dataclass(frozen=True)
class Strip:
    """Where a layer's scores lie: what is kept above the line, what goes below it.

    Args:
        scores: one per channel.
        kept: whether it stays, likewise.

    Example:
        >>> Strip([0.0, 1.0], [False, True]).html().count("<path")
        2
    """

    scores: Sequence[float]
    kept: Sequence[bool]

    def html(self) -> str:
        """Return a strip as wide as its place."""
        place = _scale(min(self.scores), max(self.scores), 4, 996)
        marks = {True: "v-18", False: "v18"}
        paths = {
            stays: "".join(
                f"M{place(score):.0f} 20{mark}"
                for score, is_kept in zip(self.scores, self.kept, strict=True)
                if is_kept == stays
            )
            for stays, mark in marks.items()
        }
        # Without a label: the table beside it says the same.
        return (
            '<svg class=strip viewBox="0 0 1000 40" preserveAspectRatio=none aria-hidden=true>'
            f'<path class=kept d="{paths[True]}"/><path class=gone d="{paths[False]}"/></svg>'
        )


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Return round numbers, evenly apart, that reach from below `low` to above `high`.

    Example:
        >>> ticks(0.13, 0.92)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
        >>> ticks(5, 5)
        [4.5, 5.0, 5.5]
    """
    if low == high:
        low, high, wanted = low - abs(low or 1) / 10, high + abs(high or 1) / 10, 2
    rough = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def whole_ticks(low: float, high: float) -> list[int]:
    """Return a few whole numbers from `low` to `high`.

    Example:
        >>> whole_ticks(1, 200), whole_ticks(1, 3)
        ([1, 51, 101, 151], [1, 2, 3])
    """
    step = max(1, math.ceil((high - low) / 4))
    return list(range(int(low), int(high) + 1, step))


def _scale(low: float, high: float, first: float, last: float):
    """Return what maps [low, high] to [first, last]; where that is one value, to the middle."""
    if low == high:
        return lambda value: (first + last) / 2
    return lambda value: first + (value - low) / (high - low) * (last - first)


def _grid(text: str, y: float) -> str:
    return (
        f'<line class=grid x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class=tick x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor=end>{text}</text>'
    )


def _curve(kind: str, places: Sequence[tuple[float, float]]) -> str:
    if len(places) == 1:
        ((x, y),) = places
        return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
    along = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline class="{kind}" points="{along}"/>'
