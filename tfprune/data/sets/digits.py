"""1,797 handwritten digits of 8x8 pixels that come with scikit-learn: no download needed."""

import dataclasses
import os

import numpy as np
from sklearn.datasets import load_digits

from tfprune.data.dataset import DataSet
from tfprune.data.partition import Raw, divide, hold_out
from tfprune.errors import PruningError

_TEST, _VALIDATION = 360, 180  # a fifth and a tenth


def load(data_dir: str | os.PathLike | None, seed: int, validation_size: int | None) -> DataSet:
    """Load the digits; see `tfprune.data.load`. Values are 0..16, the test split is fixed."""
    if data_dir is not None:
        raise PruningError(
            f"data_dir has no effect on 'digits', which comes with scikit-learn; received "
            f"{str(data_dir)!r}. Leave it out."
        )
    bunch = load_digits()
    images = bunch.images.astype(np.uint8)[..., np.newaxis]
    rest, test = hold_out(len(images), _TEST, seed=0, strata=bunch.target)
    raw = Raw(
        images[rest], bunch.target[rest], images[test], bunch.target[test], list("0123456789")
    )
    size = _VALIDATION if validation_size is None else validation_size
    return dataclasses.replace(divide("digits", raw, 16, size, seed), augment="crop")
