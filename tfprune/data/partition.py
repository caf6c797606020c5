"""Cutting a validation split from the training images, and putting a data set together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from tfprune.data.dataset import DataSet, Split
from tfprune.data.statistics import measure
from tfprune.errors import PruningError


@dataclass(frozen=True, eq=False)
class Raw:
    """Arrays as a source delivers them: images [N, H, W, C] and labels [N], twice, and names."""

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: Sequence[str]


def hold_out(labels: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide places 0..N-1 into (rest, held out), each class in its share, both in order.

    Args:
        labels: the classes, int [N].
        size: how many to hold out: 0, or from the number of classes to N minus that number.
        seed: of the choice.

    Returns:
        int64 [N - size] and int64 [size], ascending.

    Raises:
        PruningError: a size that leaves a class out on either side.

    Example:
        >>> rest, held = hold_out(np.array([0, 1, 0, 1]), 2, seed=0)
        >>> len(rest), len(held)
        (2, 2)
    """
    places, classes = np.arange(len(labels)), len(np.unique(labels))
    if size == 0:
        return places, places[:0]
    if not classes <= size <= len(labels) - classes:
        raise PruningError(
            f"validation_size must be 0 or between {classes} (one image per class) and "
            f"{len(labels) - classes} of the {len(labels)} training images, received {size}."
        )
    rest, held = train_test_split(places, test_size=size, random_state=seed, stratify=labels)
    return np.sort(rest), np.sort(held)


def divide(name: str, raw: Raw, maximum: float, validation_size: int, seed: int) -> DataSet:
    """Make a data set from a source's arrays, with the validation split cut from the training.

    Args:
        name: the data set's name.
        raw: the source's arrays.
        maximum: the largest value a pixel can have.
        validation_size: images in the validation split; 0: none.
        seed: of the choice of validation images.

    Raises:
        PruningError: a validation size that leaves a class out on either side.
    """
    rest, held = hold_out(raw.labels, validation_size, seed)
    images, labels = raw.images[rest], raw.labels[rest].astype(np.int64)
    statistics = measure(images, maximum)
    validation = Split(raw.images[held], raw.labels[held].astype(np.int64), statistics)
    return DataSet(
        name=name,
        num_classes=len(raw.class_names),
        input_shape=tuple(images.shape[1:]),
        class_names=tuple(raw.class_names),
        train=Split(images, labels, statistics),
        validation=validation if validation_size else None,
        test=Split(raw.test_images, raw.test_labels.astype(np.int64), statistics),
    )
