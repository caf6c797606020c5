"""Half a cosine from 1 to 0 (Loshchilov & Hutter 2017, without restarts)."""

from tfprune.training.schedules._course import Course, half_cosine

RISES = False


def share(step: int, course: Course) -> float:
    """Return the place on the cosine, which begins behind the warm-up."""
    return half_cosine(1.0, 0.0, course.progress(step))
