"""Compare an exported file with its model once more, on other data."""

import os
from pathlib import Path
from typing import Any

import keras

from tfprune.exporting import _signature
from tfprune.exporting._proof import INPUTS
from tfprune.exporting.chosen_formats import find_format
from tfprune.exporting.comparing import Check, compare


def measure(path: str | os.PathLike, name: str, model: keras.Model, data: Any) -> Check:
    """Compare an exported file with its model on data; nothing is refused or removed.

    Args:
        path: the file or folder, as `export` has returned it.
        name: of its format.
        model: the model that was exported.
        data: in any form that `tfprune.score` takes; with labels the accuracy is told.

    Example:
        >>> import keras, numpy as np, tempfile
        >>> from tfprune.exporting import export
        >>> image = keras.Input((4,), name="image")
        >>> model = keras.Model(image, keras.layers.Dense(2, name="head")(image))
        >>> path = export(model, tempfile.mkdtemp(), formats=["keras"])["keras"]
        >>> measure(path, "keras", model, np.ones((3, 4))).agreement
        1.0
    """
    module = find_format(name)
    call = module.load(Path(path), model)
    return compare(model, call, _signature.flat_batches(data, model, INPUTS)).check()
