"""Image data sets by name, divided into training, validation and test once and for all.

A data set is a module of `tfprune.data.sets` with a function
`load(data_dir, seed, validation_size) -> DataSet`; it is found by its file's name. Keyword-only
arguments beside these are its options. Where its samples come from is a source of
`tfprune.data.sources`: arrays in memory, pictures or masks in files.
"""

import inspect
import os
from types import ModuleType
from typing import Any

from tfprune import plugins
from tfprune.checks import check_seed
from tfprune.data import sets
from tfprune.data.dataset import DataSet
from tfprune.data.epochs import Epochs
from tfprune.data.preprocessing import Preprocessing
from tfprune.data.sources import Arrays
from tfprune.data.split import Split
from tfprune.errors import PruningError

__all__ = ["Arrays", "DataSet", "Epochs", "Preprocessing", "Split", "load", "names", "options"]


def names() -> list[str]:
    """Return the names of all data sets.

    Example:
        >>> "digits" in names()
        True
    """
    return plugins.names(sets)


def load(
    name: str,
    *,
    data_dir: str | os.PathLike | None = None,
    seed: int = 0,
    validation_size: int | None = None,
    **options: Any,
) -> DataSet:
    """Load a data set with its fixed training, validation and test splits.

    Args:
        name: one of `names()`.
        data_dir: where its files lie; None: where TensorFlow Datasets keeps them. A set that
            is embedded in a package ("digits") takes none.
        seed: of the choice of validation images; the test split never depends on it.
        validation_size: images held out of the training split for choosing an epoch; 0: none,
            train on all; None: the data set's default (5,000 of 50,000 for CIFAR).
        **options: the data set's own, such as `classes` and `train_list` of "voc".

    Returns:
        The data set; images [N, H, W, C], labels int64 [N].

    Raises:
        PruningError: an unknown name or option, files that are missing or damaged, or a
            validation size that leaves a class out on either side.

    Example:
        >>> digits = load("digits")
        >>> digits.input_shape, digits.num_classes, len(digits.test)
        ((8, 8, 1), 10, 360)
    """
    check_seed("seed", seed)
    if seed >= 2**32:
        raise PruningError(f"seed must be below 2**32, received {seed}.")
    if validation_size is not None:
        check_seed("validation_size", validation_size)
    module = plugins.find(sets, name, "data set")
    for option, value in options.items():
        if option not in _options(module):
            raise PruningError(
                f"{option}={value!r} has no effect on the data set {name!r}: its options are "
                f"{', '.join(_options(module)) or '(none)'}. Leave it out."
            )
    return module.load(data_dir, seed, validation_size, **options)


def options(name: str) -> list[str]:
    """Return the names of a data set's own options, beside those of every one.

    Example:
        >>> options("digits")
        []
    """
    return _options(plugins.find(sets, name, "data set"))


def _options(module: ModuleType) -> list[str]:
    found = inspect.signature(module.load).parameters.values()
    return [each.name for each in found if each.kind is each.KEYWORD_ONLY]
