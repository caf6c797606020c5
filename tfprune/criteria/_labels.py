"""Labels of classes as whole numbers."""

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from tfprune import tasks
from tfprune.passes.batch import Batch
from tfprune.passes.micro_batches import Part
from tfprune.passes.parts import in_parts
from tfprune.passes.reader import read
from tfprune.tasks import Task

_HINT = "Take the batches from the data that the model's classes are of"


def labelled_images(
    data: Any,
    model: keras.Model | None,
    classes: int,
    user: str,
    hint: str = _HINT,
    task: Task | None = None,
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield (inputs, class numbers int32 [N]) of each batch.

    Args:
        data: batches of (inputs, labels [N] or [N, 1]).
        model: the model that they are for; None: one with a single input.
        classes: number of classes; the labels count from 0.
        user: who needs them, for the error message.
        hint: what to do about numbers out of range.
        task: what the labels are for; None: classification.

    Raises:
        PruningError: labels missing, not one per image, or what are no class numbers.

    Example:
        >>> batches = [(np.zeros((2, 8, 8, 3)), [[3], [0]])]
        >>> [labels.tolist() for _, labels in labelled_images(batches, None, 10, "the example")]
        [[3, 0]]
    """
    task = tasks.find(task)
    for batch in read(data, model, user, labels=True):
        yield batch.inputs, task.class_numbers(batch.labels, classes, user, hint)


def labelled_parts(
    data: Any, model: keras.Model, classes: int, user: str, hint: str, size: int
) -> Iterable[Part]:
    """Return parts (inputs, class numbers int32 [N]) of one size; else as `labelled_images`.

    Args:
        data: batches of (inputs, labels [N] or [N, 1]).
        model: the model that they are for.
        classes: number of classes; the labels count from 0.
        user: who needs them, for the error message.
        hint: what to do about numbers out of range.
        size: samples of a part.
    """
    task = tasks.find(None)

    def part(number: int, batch: Batch) -> Part:
        return batch.inputs, task.class_numbers(batch.labels, classes, user, hint)

    return in_parts(data, model, user, part, size=size, labels=True)
