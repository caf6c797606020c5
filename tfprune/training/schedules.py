"""Learning rates as pure functions of the step, counted from 0 over the whole run.

- "constant": 1;
- "step": times `decay_factor` from the first step of each epoch in `decay_steps`;
- "cosine": half a cosine from 1 to 0 (Loshchilov & Hutter 2017, without restarts);
- "one_cycle": half a cosine from 1/25 up to 1 in 30% of the steps, then another down to
  1/250,000 (Smith & Topin 2018, in the form that has become usual).

Each gives a share of the highest rate. `warmup_epochs` come first and rise linearly, so that
the last of their steps has the full rate; the cosine takes what is left of the run, while the
drops of "step" stay where they are.
"""

import bisect
import math
from collections.abc import Callable

from tfprune.training.recipe import Recipe

_RISE, _START, _END = 0.3, 1 / 25, 1 / 250_000

Schedule = Callable[[int], float]


def build(recipe: Recipe, highest: float, steps_per_epoch: int) -> Schedule:
    """Return the learning rate as a function of the step.

    Args:
        recipe: its `schedule`, `epochs`, `decay_steps`, `decay_factor` and `warmup_epochs`.
        highest: the highest rate of the run.
        steps_per_epoch: steps (batches) in an epoch, at least 1.

    Returns:
        A function of a step in 0..epochs*steps_per_epoch-1.

    Example:
        >>> rate = build(Recipe(epochs=4, schedule="step", decay_steps=(2,)), 1.0, 10)
        >>> rate(19), rate(20)
        (1.0, 0.1)
    """
    total = recipe.epochs * steps_per_epoch
    warmup = round(recipe.warmup_epochs * steps_per_epoch)
    factor = 0.1 if recipe.decay_factor is None else recipe.decay_factor
    drops = [epoch * steps_per_epoch for epoch in recipe.decay_steps]
    shares: dict[str, Schedule] = {
        "constant": lambda _: 1.0,
        "step": lambda step: factor ** bisect.bisect_right(drops, step),
        "cosine": lambda step: _between(1.0, 0.0, (step - warmup) / (total - warmup)),
        "one_cycle": lambda step: _one_cycle(step, total),
    }
    share = shares[recipe.schedule]

    def rate(step: int) -> float:
        return highest * ((step + 1) / warmup if step < warmup else share(step))

    return rate


def _one_cycle(step: int, total: int) -> float:
    top = _RISE * total
    if step < top:
        return _between(_START, 1.0, step / top)
    return _between(1.0, _END, (step - top) / (total - top))


def _between(first: float, last: float, progress: float) -> float:
    """Return the place on half a cosine from `first` (progress 0) to `last` (progress 1)."""
    return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2
