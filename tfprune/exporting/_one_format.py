"""Write a model in one format, and say whose fault it is where that fails."""

import contextlib
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import keras

from tfprune.data import Preprocessing
from tfprune.errors import PruningError
from tfprune.exporting._proof import Proof
from tfprune.exporting.chosen_formats import measures_ranges
from tfprune.files import known as is_known


def write_format(
    module: ModuleType,
    model: keras.Model,
    path: Path,
    proof: Proof,
    preprocessing: Preprocessing | None,
) -> None:
    """Write a model in one format.

    Args:
        module: the format.
        model: the model.
        path: where to write.
        proof: it has the samples that int8 is measured on, and the bound of served outputs.
        preprocessing: what raw images go through, for a format that can hold it.
    """
    if measures_ranges(module):
        module.write(model, path, proof.samples(model))
    elif preprocessing is not None and hasattr(module, "serve"):
        module.serve(model, path, preprocessing)
        module.check(path, model, preprocessing, proof.limit(module, model))
    else:
        module.write(model, path)


@contextlib.contextmanager
def explained(name: str, model: keras.Model) -> Iterator[None]:
    """Turn what converters and runtimes raise, types of their own, into an error of ours."""
    try:
        yield
    except PruningError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and is_known(error):
            raise
        raise PruningError(
            f"Format {name!r} cannot hold the model {model.name!r}: {type(error).__name__}: "
            f"{textwrap.shorten(str(error), 300)} Nothing was left behind; another format may "
            "hold it."
        ) from error
