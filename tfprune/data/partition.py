"""Cutting a validation split from the training images, and putting a data set together."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from tfprune import tasks
from tfprune.data.dataset import DataSet
from tfprune.data.sources import Arrays
from tfprune.data.split import Split
from tfprune.data.statistics import measure
from tfprune.errors import PruningError
from tfprune.tasks import Task


@dataclass(frozen=True, eq=False)
class Raw:
    """Arrays as a source delivers them: images [N, H, W, C] and labels [N], twice, and names."""

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: Sequence[str]


def hold_out(
    count: int, size: int, seed: int, strata: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Divide places 0..N-1 into (rest, held out), both in order.

    Args:
        count: how many places there are, N.
        size: how many to hold out: 0, or from the number of classes to N minus that number.
        seed: of the choice.
        strata: the classes, int [N], each of which is divided in its share, as a task's `strata`
            returns them; None: any sample may go to either side.

    Returns:
        int64 [N - size] and int64 [size], ascending.

    Raises:
        PruningError: a size that leaves a class, or the training, without samples.

    Example:
        >>> rest, held = hold_out(4, 2, seed=0, strata=np.array([0, 1, 0, 1]))
        >>> len(rest), len(held)
        (2, 2)
    """
    places = np.arange(count)
    if size == 0:
        return places, places[:0]
    if strata is None:
        if size >= count:
            raise PruningError(
                f"validation_size={size} leaves none of the {count} training images. Choose a "
                "smaller one."
            )
        order = np.random.default_rng(seed).permutation(count)
        return np.sort(order[size:]), np.sort(order[:size])
    classes = len(np.unique(strata))
    if not classes <= size <= count - classes:
        raise PruningError(
            f"validation_size must be 0 or between {classes} (one image per class) and "
            f"{count - classes} of the {count} training images, received {size}."
        )
    rest, held = train_test_split(places, test_size=size, random_state=seed, stratify=strata)
    return np.sort(rest), np.sort(held)


def divide(
    name: str, raw: Raw, maximum: float, validation_size: int, seed: int, task: Task | None = None
) -> DataSet:
    """Make a data set from a source's arrays, with the validation split cut from the training.

    Args:
        name: the data set's name.
        raw: the source's arrays.
        maximum: the largest value a pixel can have.
        validation_size: images in the validation split; 0: none.
        seed: of the choice of validation images.
        task: what the labels are for; None: classification.

    Raises:
        PruningError: a validation size that leaves a class out on either side.
    """
    task = tasks.find(task)
    strata = task.strata(raw.labels)
    rest, held = hold_out(len(raw.labels), validation_size, seed, strata)
    statistics = measure(raw.images[rest], maximum)
    training = Arrays(raw.images, raw.labels.astype(np.int64))
    test = Arrays(raw.test_images, raw.test_labels.astype(np.int64))
    split = functools.partial(Split, statistics=statistics, task=task)
    return DataSet(
        name=name,
        num_classes=len(raw.class_names),
        input_shape=tuple(raw.images.shape[1:]),
        class_names=tuple(raw.class_names),
        train=split(training, rest),
        validation=split(training, held) if validation_size else None,
        test=split(test),
    )
