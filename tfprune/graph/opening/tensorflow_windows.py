"""TensorFlow's pools and patches, by what Keras has on symbolic tensors."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops


def calls() -> Iterator[tuple[Any, str, Callable]]:
    """Yield (module, name, what answers in place of TensorFlow's function of this name)."""
    for kind, pool in (("max", ops.max_pool), ("avg", ops.average_pool)):
        for end in ("", "1d", "2d", "3d"):
            yield tf.nn, f"{kind}_pool{end}", _pooling(pool)
    yield tf.image, "extract_patches", _patches


def _pooling(pool: Callable) -> Callable:
    def call(
        input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None = None
    ) -> Any:
        first = (data_format or "").startswith("NC")
        space = len(input.shape) - 2
        sizes, steps = (_in_space(x, space, first) for x in (ksize, strides))
        where = "channels_first" if first else "channels_last"
        return pool(input, sizes, steps, padding.lower(), data_format=where)

    return call


def _in_space(sizes: Any, space: int, first: bool) -> tuple[int, ...]:
    """Return sizes along the axes of space, given for those, for all axes, or as one number."""
    sizes = np.atleast_1d(sizes).tolist()
    if len(sizes) == space + 2:
        sizes = sizes[2:] if first else sizes[1:-1]
    return tuple(sizes * space if len(sizes) == 1 else sizes)


def _patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: str) -> Any:
    size, steps, rate = (_in_space(x, 2, False) for x in (sizes, strides, rates))
    if rate[0] != rate[1]:
        raise NotImplementedError(f"tf.image.extract_patches at rates {rate}")
    return ops.image.extract_patches(
        images, size, steps, rate[0], padding.lower(), data_format="channels_last"
    )
