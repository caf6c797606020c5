"""Solve one layer from rows that several workers hold."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tfprune.distribution import workers
from tfprune.distribution.shares import Arrays, Shares
from tfprune.reconstruction.fitting_rows import FittingRows
from tfprune.reconstruction.forms import Form
from tfprune.reconstruction.normal_equations import Fit, Halves, System, best_fit

_ROUNDS = 4


class Rows:
    """All rows that a layer is fitted on, of which this worker has its share.

    Args:
        shares: of the portions.
        of_block: makes the rows of some portions, from their numbers.
    """

    def __init__(self, shares: Shares, of_block: Callable[[Sequence[int]], Sequence[FittingRows]]):
        self._shares, self._of_block = shares, of_block
        self._found: dict[int, Sequence[FittingRows]] = {}  # {a block's first portion: its rows}

    def total(self, of_rows: Callable[[FittingRows], Arrays]) -> Arrays:
        """Return the sum over all rows, the same on all workers.

        Args:
            of_rows: makes the arrays of some rows.
        """

        def of_block(numbers: Sequence[int]) -> Arrays:
            first, *others = self._of(numbers)
            found = of_rows(first)
            for one in others:
                found = [a + b for a, b in zip(found, of_rows(one), strict=True)]
            return found

        return self._shares.total(of_block)

    def _of(self, numbers: Sequence[int]) -> Sequence[FittingRows]:
        if numbers[0] not in self._found:
            self._found[numbers[0]] = self._of_block(numbers)
        return self._found[numbers[0]]


def solve(form: Form, rows: Rows, *, free: bool) -> dict[str, np.ndarray]:
    """Return a layer's new "weights" and "offset", and "figures": (rows, ridge, before, after).

    The ridge is NaN where the layer is to stay as it is; else as `best_fit` has it.

    Args:
        form: the layer's.
        rows: that it is fitted on.
        free: whether an offset is free.
    """

    def sums(one: FittingRows) -> Arrays:
        halves = Halves()
        halves.add(one.columns(form), one.goal, one.held)
        return [np.array(one.level is None), *halves.arrays]

    visible, *arrays = rows.total(sums)
    halves = Halves.of(arrays)
    fit = best_fit(halves, form.matrix(), offset=free)
    count, ridge = halves.fitted.rows + halves.held.rows, np.nan if fit.ridge is None else fit.ridge
    # The chief's: a machine that rounds otherwise may choose another ridge, and all go on alike.
    figures, weights, offset = workers.agreed(
        lambda: [np.array([count, ridge, fit.before, fit.after]), fit.weights, fit.offset]
    )
    if form.has_kernel and not visible and not np.isnan(figures[1]):
        begin = replace(fit, weights=weights, offset=offset, ridge=float(figures[1]))
        refined = _refined(form, rows, halves, begin, free=free)  # by all: each has its rows
        weights, offset = workers.agreed(lambda: refined)
    return {"figures": figures, "weights": weights, "offset": offset}


def _refined(form: Form, rows: Rows, halves: Halves, fit: Fit, *, free: bool) -> Arrays:
    """Return weights and offset that do not mind what a ReLU hides.

    Where the wanted output is hidden, so may be the found one, wherever below the level it is:
    that becomes the goal, and the least squares are solved again, a few times (the E and M steps
    of a censored regression, Tobin 1958). X'X stays.
    """
    weights, offset = fit.weights, fit.offset
    sums = halves.fitted + halves.held
    system = System(sums, form.matrix(), offset=free)

    def answered(one: FittingRows) -> Arrays:
        columns = one.columns(form)
        goal = columns @ weights
        goal += offset[:, None]
        one.as_hidden(goal)
        return [columns.transpose(0, 2, 1) @ goal, goal.sum(axis=1)]

    for _ in range(_ROUNDS):
        xy, y = rows.total(answered)
        weights, offset = system.solved(replace(sums, xy=xy, y=y), fit.ridge)
    return [weights, offset]
