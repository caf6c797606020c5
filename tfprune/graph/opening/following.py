"""Sizes that a call makes of open ones: behind a convolution, a padding, a slice."""

from collections.abc import Callable
from typing import Any

import keras

from tfprune.graph.opening.sizes import Sizes

_MORE = 64  # so that what follows a size in large steps differs too


def follow(sizes: Sizes, outputs: Any, spec: Callable, args: tuple, kwargs: dict) -> None:
    """Let the sizes be open that would be others, were the open sizes others.

    Args:
        sizes: the open sizes of a trace; those that were found are noted.
        outputs: what a call returned.
        spec: (args, kwargs) -> what it returns, without a call.
        args: what it was called with.
        kwargs: likewise.
    """
    if not isinstance(outputs, keras.KerasTensor):
        return
    axes = _strange(sizes, outputs, (args, kwargs))
    if not axes:
        return
    longer_args, longer_kwargs = _longer(sizes, (args, kwargs))
    try:
        others = spec(*longer_args, **longer_kwargs)
    except Exception:  # of sizes that do not fit one another any more
        return
    for axis in axes:
        if others.shape[axis] != outputs.shape[axis]:
            sizes.note(outputs, axis)


def _strange(sizes: Sizes, outputs: keras.KerasTensor, inputs: Any) -> list[int]:
    """Return the axes of which nothing is known where an input has an open size."""
    tensors = [x for x in keras.tree.flatten(inputs) if isinstance(x, keras.KerasTensor)]
    alike = [x.shape for x in tensors if len(x.shape) == len(outputs.shape)]
    return [
        axis
        for axis, size in enumerate(outputs.shape)
        if sizes.is_strange(size) and any(sizes.is_open(shape[axis]) for shape in alike)
    ]


def _longer(sizes: Sizes, values: Any) -> Any:
    """Return nested values with symbolic tensors whose open sizes are larger."""

    def longer(x: Any) -> Any:
        if not isinstance(x, keras.KerasTensor):
            return x
        return keras.KerasTensor([n and n + _MORE * sizes.is_open(n) for n in x.shape], x.dtype)

    return keras.tree.map_structure(longer, values)
