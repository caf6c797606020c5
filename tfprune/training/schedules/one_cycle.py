"""One rise and one fall (Smith & Topin 2018, in the form that has become usual)."""

from tfprune.training.schedules._course import Course, half_cosine

RISES = True
_RISE, _START, _END = 0.3, 1 / 25, 1 / 250_000


def share(step: int, course: Course) -> float:
    """Return half a cosine from 1/25 up to 1 in 30% of the steps, then one down to 1/250,000."""
    top = _RISE * course.total
    if step < top:
        return half_cosine(_START, 1.0, step / top)
    return half_cosine(1.0, _END, (step - top) / (course.total - top))
