"""The learning rate of every step, as a pure function of it."""

from collections.abc import Callable

from tfprune.training import schedules
from tfprune.training.recipe import Recipe
from tfprune.training.schedules._course import Course

Rate = Callable[[int], float]


def build(recipe: Recipe, highest: float, steps_per_epoch: int) -> Rate:
    """Return the learning rate as a function of the step, counted from 0 over the whole run.

    `warmup_epochs` come first and rise linearly, so that the last of their steps has the full
    rate; what follows is the schedule's.

    Args:
        recipe: its `schedule` with its options, `epochs` and `warmup_epochs`.
        highest: the highest rate of the run.
        steps_per_epoch: steps (batches) in an epoch, at least 1.

    Returns:
        A function of a step in 0..epochs*steps_per_epoch-1.

    Example:
        >>> rate = build(Recipe(epochs=4, schedule="step", decay_steps=(2,)), 1.0, 10)
        >>> rate(19), rate(20)
        (1.0, 0.1)
    """
    warmup = round(recipe.warmup_epochs * steps_per_epoch)
    course = Course(recipe.epochs * steps_per_epoch, warmup, steps_per_epoch)
    share = schedules.find(recipe.schedule).share
    given = {name: getattr(recipe, name) for name in schedules.options(recipe.schedule)}
    given = {name: value for name, value in given.items() if value is not None}

    def rate(step: int) -> float:
        return highest * ((step + 1) / warmup if step < warmup else share(step, course, **given))

    return rate
