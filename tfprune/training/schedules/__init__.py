"""Courses of the learning rate, each a file of this package, found by its name.

A schedule is a file with two names:

    RISES = False

    def share(step, course, *, own options):
        return the learning rate of a step as a share of the highest one of the run, in (0, 1]

- step: counted from 0 over the whole run, warm-up included.
- course: how long the run is, a `tfprune.training.schedules._course.Course`.
- own options: fields of `tfprune.training.Recipe` that no other schedule reads; one without a
  default must be given.
- RISES: whether the schedule has a rise of its own, so that there is no warm-up.

Modules with an underscore are parts of schedules.
"""

import importlib
import inspect

from tfprune import plugins


def names() -> list[str]:
    """Return the names of all schedules.

    Example:
        >>> "cosine" in names()
        True
    """
    return plugins.names(importlib.import_module(__name__))


def find(name: str) -> object:
    """Return the module of a schedule.

    Raises:
        PruningError: no such schedule; the valid names are listed.
    """
    return plugins.find(importlib.import_module(__name__), name, "schedule")


def options(name: str) -> dict[str, bool]:
    """Return {own option of a schedule: whether it must be given}.

    Example:
        >>> options("step")
        {'decay_steps': True, 'decay_factor': False}
    """
    found = list(inspect.signature(find(name).share).parameters.values())[2:]
    return {one.name: one.default is inspect.Parameter.empty for one in found}
