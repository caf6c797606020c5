"""Tasks by their names."""

import importlib
from typing import Any

from tfprune import plugins
from tfprune.errors import PruningError
from tfprune.tasks._task import Task

_PACKAGE = "tfprune.tasks"


def names() -> list[str]:
    """Return the names of all tasks.

    Example:
        >>> "segmentation" in names()
        True
    """
    return plugins.names(importlib.import_module(_PACKAGE))


def find(task: str | Task | None = None, **options: Any) -> Task:
    """Return a task.

    Args:
        task: its name; a task itself is returned as it is; None: "classification".
        **options: the task's own, such as `void=255`.

    Raises:
        PruningError: an unknown name, with the valid ones, or options it does not have.

    Example:
        >>> find("classification").best
        'accuracy'
    """
    if isinstance(task, Task):
        return task
    module = plugins.find(importlib.import_module(_PACKAGE), task or "classification", "task")
    try:
        return module.TASK(**options)
    except TypeError as error:
        raise PruningError(f"Task {task!r}: {error}.") from error


def is_share(figure: str) -> bool:
    """Tell whether a figure lies in 0..1 and is told as a percentage.

    Args:
        figure: its name, e.g. "accuracy", perhaps behind that of an output ("head_accuracy").

    Example:
        >>> is_share("accuracy"), is_share("loss")
        (True, False)
    """
    shares = {share for name in names() for share in find(name).shares}
    return any(figure == share or figure.endswith(f"_{share}") for share in shares)
