"""Random inputs for a model, and what is said where they do not serve."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.keras_private import functional
from tfprune.surgery.keras_faults import batch_sizes


class UnprovenError(PruningError):
    """The inputs prove nothing: other ones, such as a batch of the user's, may."""


def random_inputs(model: keras.Model, seed: int, unknown: int = 64) -> Any:
    """Return some samples of random inputs, nested as a model's: normal floats, zeros and ones.

    Args:
        model: a functional or Sequential model.
        seed: seed of the random numbers.
        unknown: size of axes whose size the model leaves open.

    Raises:
        UnprovenError: an input of text.
    """
    rng, batch = np.random.default_rng(seed), next(batch_sizes(functional(model), least=4))

    def draw(tensor: keras.KerasTensor) -> np.ndarray:
        shape = [tensor.shape[0] or batch, *(size or unknown for size in tensor.shape[1:])]
        if tensor.dtype == "string":
            raise UnprovenError(
                f"Model {model.name!r} takes text (input {tensor.name!r}), of which there is no "
                "random sample. Pass `inputs`, a batch of your own."
            )
        if "float" in tensor.dtype:
            return rng.standard_normal(shape).astype(tensor.dtype)
        return whole_numbers(rng, shape).astype(tensor.dtype)

    return keras.tree.map_structure(draw, functional(model).input)


def whole_numbers(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Return random zeros and ones, int64 of a shape, the first one of each line a 1.

    Where 0 means padding, a line of padding alone would let a mean over the steps divide by none.

    Args:
        rng: where they are drawn from.
        shape: the batch first.

    Example:
        >>> whole_numbers(np.random.default_rng(0), (2, 4))[:, 0].tolist()
        [1, 1]
    """
    drawn = rng.integers(0, 2, shape)
    if len(shape) > 1 and shape[-1] > 1:
        drawn[..., 0] = 1
    return drawn
