"""Tasks by their names."""

import importlib
from collections.abc import Mapping
from typing import Any

import keras

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
    module = plugins.find(
        importlib.import_module(_PACKAGE), "classification" if task is None else task, "task"
    )
    try:
        return module.TASK(**options)
    except TypeError as error:
        raise PruningError(f"Task {task!r}: {error}.") from error


def of_model(model: keras.Model, task: str | Task | None = None) -> Task:
    """Return the task that was given, else the one that a model's first output looks like.

    Args:
        model: a functional or sequential model.
        task: a task or its name; None: the one that `suits` the output; "classification" where
            none says so.

    Raises:
        PruningError: an unknown name.

    Example:
        >>> dense = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(5, 1)])
        >>> of_model(dense).name, of_model(dense, "regression").name
        ('segmentation', 'regression')
    """
    if task is None:
        shape = tuple(model.outputs[0].shape)
        task = next((name for name in names() if find(name).suits(shape)), None)
    return find(task)


def is_share(figure: str) -> bool:
    """Tell whether a figure lies in 0..1 and is told as a percentage.

    Args:
        figure: its name, e.g. "accuracy", perhaps behind that of an output ("head_accuracy").

    Example:
        >>> is_share("accuracy"), is_share("loss")
        (True, False)
    """
    shares = {share for name in names() for share in find(name).shares}
    return any(
        figure == share or figure.endswith(f"_{share}") or figure.startswith(f"{share}_")
        for share in shares
    )


def formatted(figure: str, value: float) -> str:
    """Return a figure as a person reads it: a share as a percentage, others with four decimals.

    Example:
        >>> formatted("accuracy", 0.5), formatted("loss", 0.5)
        ('50.00%', '0.5000')
    """
    return f"{value:.2%}" if is_share(figure) else f"{value:.4f}"


def headline(found: Mapping[str, float]) -> str:
    """Return the name of the figure that a model is judged by first: a task's best, or the loss.

    Args:
        found: figures as `tfprune.training.evaluate` returns them.

    Example:
        >>> headline({"loss": 0.2, "pixel_accuracy": 0.9, "miou": 0.6}), headline({"loss": 0.2})
        ('miou', 'loss')
    """
    best = {find(name).best for name in names()}
    return next((figure for figure in found if figure in best), "loss")
