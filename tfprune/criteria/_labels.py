"""Labels of classes as whole numbers."""

from collections.abc import Iterable
from typing import Any

import keras

from tfprune import tasks
from tfprune.passes.batch import Batch
from tfprune.passes.micro_batches import Part
from tfprune.passes.parts import in_parts
from tfprune.tasks import Task

_HINT = "Take the batches from the data that the model's classes are of"


def labelled_parts(
    data: Any,
    model: keras.Model | None,
    classes: int,
    user: str,
    hint: str = _HINT,
    *,
    size: int | None,
    task: Task | None = None,
) -> Iterable[Part]:
    """Return parts (inputs, class numbers int32 [N]) of one size, or batches as they come.

    Args:
        data: batches of (inputs, labels [N] or [N, 1]).
        model: the model that they are for; None: one with a single input.
        classes: number of classes; the labels count from 0.
        user: who needs them, for the error message.
        hint: what to do about numbers out of range.
        size: samples of a part; None: the batches as they come.
        task: what the labels are for; None: classification.

    Raises:
        PruningError: labels missing, not one per image, or what are no class numbers; while the
            parts are read.

    Example:
        >>> import numpy as np
        >>> batches = [(np.zeros((2, 8, 8, 3)), [[3], [0]])]
        >>> parts = labelled_parts(batches, None, 10, "the example", size=32)
        >>> [labels.tolist() for _, labels in parts]
        [[3, 0]]
    """
    task = tasks.find(task)

    def part(number: int, batch: Batch) -> Part:
        return batch.inputs, task.class_numbers(batch.labels, classes, user, hint)

    return in_parts(data, model, user, part, size=size, labels=True)
