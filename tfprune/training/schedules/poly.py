"""A fall to 0 that is steeper at the end, usual for segmentation (Chen et al. 2017, section 4.1).

DeepLab's power of 0.9, behind a warm-up of an epoch, is the course that FGP trains with.
"""

from tfprune.training.schedules._course import Course

RISES = False
_POWER = 0.9


def share(step: int, course: Course) -> float:
    """Return (1 - progress) ** 0.9, which begins behind the warm-up.

    Example:
        >>> round(share(50, Course(100, 0, 10)), 4) == round(0.5**0.9, 4)
        True
    """
    return (1 - course.progress(step)) ** _POWER
