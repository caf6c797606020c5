"""A drop by a factor at the first step of each of some epochs."""

import bisect

from tfprune.training.schedules._course import Course

RISES = False


def share(
    step: int, course: Course, decay_steps: tuple[int, ...], decay_factor: float = 0.1
) -> float:
    """Return the factor to the power of the drops so far; a warm-up does not move them.

    Example:
        >>> [share(step, Course(40, 0, 10), (2,)) for step in (19, 20)]
        [1.0, 0.1]
    """
    drops = [epoch * course.epoch for epoch in decay_steps]
    return decay_factor ** bisect.bisect_right(drops, step)
