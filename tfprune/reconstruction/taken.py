"""Rows that a layer is fitted on, and a second look at those that a ReLU hides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfprune.reconstruction.forms import Form
from tfprune.reconstruction.normal_equations import Fit, Halves, System

_ROUNDS = 4


@dataclass(frozen=True)
class Taken:
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


def take(
    form: Form,
    source: Callable[[], tuple[np.ndarray, np.ndarray]],
    goal: np.ndarray,
    hidden: tuple[np.ndarray, np.ndarray] | None,
    rows: np.ndarray,
    held: np.ndarray,
) -> Taken:
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
    return Taken(source, rows, held, form.targets(goal, rows) - shift, level, sign)


def refined(
    form: Form, taken: Sequence[Taken], halves: Halves, fit: Fit, *, free: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and offset that do not mind what a ReLU hides.

    Where the wanted output is hidden, so may be the found one, wherever below the level it is:
    that becomes the goal, and the least squares are solved again, a few times (the E and M steps
    of a censored regression, Tobin 1958). X'X stays.

    Args:
        form: the layer's.
        taken: all rows.
        halves: their sums.
        fit: the weights to begin with.
        free: whether an offset is free.
    """
    weights, offset, old = fit.weights, fit.offset, form.matrix()
    if not form.has_kernel or any(one.level is None for one in taken):
        return weights, offset
    sums = halves.fitted + halves.held
    system = System(sums, old, offset=free)
    for _ in range(_ROUNDS):
        xy, y = np.zeros_like(sums.xy), np.zeros_like(sums.y)
        for one in taken:
            columns = one.columns(form)
            above = one.sign * (columns @ weights + offset[:, None] - one.level)
            hidden = one.sign * (one.goal - one.level) <= 0
            goal = np.where(hidden, one.level + one.sign * np.minimum(above, 0), one.goal)
            xy += columns.transpose(0, 2, 1) @ goal
            y += goal.sum(axis=1)
        weights, offset = system.solved(replace(sums, xy=xy, y=y), fit.ridge)
    return weights, offset
