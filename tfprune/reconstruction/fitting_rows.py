"""Rows that a layer is fitted on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tfprune.reconstruction.forms import Form


@dataclass(frozen=True)
class FittingRows:
    """Rows of one portion.

    Args:
        source: gives the layer's inputs [N, ...] and its present outputs [N, ...], or what has
            their shape; they are not kept, for they are as large as the maps of all samples.
        rows: int [rows], which positions.
        held: bool [rows], which of them are held out.
        goal: what they are to be, without the bias, [groups, rows, M].
        level: up to where outputs are hidden, likewise; None: none are.
        sign: -1 where it is those above the level, [groups, 1, M].
    """

    source: Callable[[], tuple[np.ndarray, np.ndarray]]
    rows: np.ndarray
    held: np.ndarray
    goal: np.ndarray
    level: np.ndarray | None
    sign: np.ndarray | None

    def columns(self, form: Form) -> np.ndarray:
        """Return what the layer's matrix multiplies, [groups, rows, D]; made anew each time."""
        return form.columns(*self.source(), self.rows)

    def as_hidden(self, found: np.ndarray) -> None:
        """Make outputs that are found the goal, in place, where they may be anything hidden.

        Elsewhere they become what they are to be; where they are not hidden and should be, the
        level.

        Args:
            found: [groups, rows, M].
        """
        rising = np.broadcast_to(self.sign > 0, found.shape)
        np.minimum(found, self.level, out=found, where=rising)
        np.maximum(found, self.level, out=found, where=~rising)
        np.copyto(found, self.goal, where=self.visible)

    @cached_property
    def visible(self) -> np.ndarray:
        """Which outputs are to be seen behind the ReLU, bool, like the goal."""
        return self.sign * (self.goal - self.level) > 0


def fitting_rows(
    form: Form,
    source: Callable[[], tuple[np.ndarray, np.ndarray]],
    goal: np.ndarray,
    hidden: tuple[np.ndarray, np.ndarray] | None,
    rows: np.ndarray,
    held: np.ndarray,
) -> FittingRows:
    """Return rows of a layer's maps.

    Args:
        form: the layer's.
        source: gives its inputs and present outputs.
        goal: what they are to be.
        hidden: level and sign, like the goal.
        rows: int [rows].
        held: bool [rows].
    """
    bias = form.bias()
    shift = 0.0 if bias is None else bias[:, None]
    level = sign = None
    if hidden is not None:
        level, sign = form.targets(hidden[0], rows) - shift, form.targets(hidden[1], rows[:1])
    return FittingRows(source, rows, held, form.targets(goal, rows) - shift, level, sign)
