"""What a network sees before and after pruning, beside the truth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfprune.data.classes import VOID, VOID_COLOUR, Classes
from tfprune.errors import PruningError
from tfprune.reporting.figures._canvas import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INCH = 2.4  # width of a picture
_COLUMNS = ("photograph", "truth", "before pruning", "after pruning")


def predictions(
    pictures: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    before: Sequence[np.ndarray],
    after: Sequence[np.ndarray],
    classes: Classes,
) -> "Figure":
    """Draw photographs with their masks: the truth and what two models say, a row per photograph.

    Above each prediction stands the share of the pixels that are right, void ones left out.

    Args:
        pictures: [H, W, 3] each, in 0..1.
        truth: class numbers [H, W] each, of any size; 255 is void.
        before: class numbers of the unpruned model, as large as the truth.
        after: of the pruned one.
        classes: names and colours, for the masks and the legend.

    Raises:
        PruningError: nothing to draw, or not as many of each.
    """
    counts = [len(each) for each in (pictures, truth, before, after)]
    if len(set(counts)) > 1 or not counts[0]:
        raise PruningError(
            f"predictions: expected as many of each of {', '.join(_COLUMNS)}, and at least one; "
            f"received {counts}."
        )
    height = pictures[0].shape[0] / pictures[0].shape[1]
    figure = canvas(4 * _INCH, counts[0] * (_INCH * height + 0.3) + 1.0)
    axes = figure.subplots(counts[0], 4, squeeze=False)
    palette, seen = classes.palette(), set()
    for row, picture, *masks in zip(axes, pictures, truth, before, after, strict=True):
        row[0].imshow(picture)
        for place, labels in zip(row[1:], masks, strict=True):
            place.imshow(palette[np.asarray(labels).astype(np.uint8)])
            seen |= {*np.unique(labels).tolist()}
        for place, labels in zip(row[2:], masks[1:], strict=True):
            place.set_xlabel(f"{_right(masks[0], labels):.0%} of the pixels right", fontsize=8)
        for place in row:
            place.set_xticks([])
            place.set_yticks([])
    for place, title in zip(axes[0], _COLUMNS, strict=True):
        place.set_title(title, fontsize=10)
    _legend(figure, classes, seen)
    return figure


def _right(truth: np.ndarray, labels: np.ndarray) -> float:
    counts = np.asarray(truth) != VOID
    return float((np.asarray(truth) == np.asarray(labels))[counts].mean()) if counts.any() else 0.0


def _legend(figure: "Figure", classes: Classes, seen: set[int]) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 - as the figure itself

    named = [
        (name, colour)
        for number, (name, colour) in enumerate(zip(classes.names, classes.colours, strict=True))
        if number in seen
    ]
    named += [("void", VOID_COLOUR)] if VOID in seen else []
    patches = [
        Patch(facecolor=np.array(colour) / 255, edgecolor="black", label=name)
        for name, colour in named
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=6, fontsize=8)
