"""What a model is for: the form of its outputs and labels, and what follows from it.

A task is one file of this package, found by its name, with the name `TASK`: a subclass of `Task`
that holds all that differs from other tasks. Training, evaluation, criteria and reports ask it.

Modules with an underscore are parts of tasks.
"""

from tfprune.tasks._choice import choose, loss_called
from tfprune.tasks._class_task import ClassTask
from tfprune.tasks._finding import find, formatted, headline, is_share, names, of_model
from tfprune.tasks._measure import Measure as Measure
from tfprune.tasks._measure import Measured, measure
from tfprune.tasks._task import Loss as Loss
from tfprune.tasks._task import Task

__all__ = [
    "ClassTask",
    "Measured",
    "Task",
    "choose",
    "find",
    "formatted",
    "headline",
    "is_share",
    "loss_called",
    "measure",
    "names",
    "of_model",
]
