"""An original and a pruned model run in step, call by call, over all samples at once."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.graph.keras_private import mask_of
from tfprune.passes.tape import Step

Call = Callable[[Step, tuple, dict], Any]
_STORED = (tf.float16, tf.float32, tf.float64)  # what a .npy file brings back as it was


class Lane:
    """One model's tensors, by number, each as a list of portions of the samples.

    Args:
        call: makes one call of the model.
        maker: {number of a tensor: the call that makes it}.
        shelf: where the tensors lie.
        inputs: {number: portions} of the model's inputs.
    """

    def __init__(
        self,
        call: Call,
        maker: Mapping[int, Step],
        shelf: "Shelf",
        inputs: Mapping[int, Sequence[Any]],
    ):
        self._call, self._maker, self._shelf = call, maker, shelf
        self._held = {number: list(portions) for number, portions in inputs.items()}
        self.count = len(next(iter(self._held.values())))

    def __contains__(self, number: int) -> bool:
        return number in self._held

    def tensor(self, number: int, portion: int) -> Any:
        """Return a portion of a tensor; what it needs is computed first."""
        if number not in self._held:
            self._make(self._maker[number])
        return self._shelf.taken(self._held[number][portion])

    def run(self, step: Step) -> None:
        """Make a call for all portions, unless that is done already."""
        if step.outputs[0] not in self._held:
            self._make(step)

    def drop(self, number: int) -> None:
        """Forget a tensor."""
        for portion in self._held.pop(number, ()):
            self._shelf.discard(portion)

    def arguments(self, step: Step, portion: int) -> tuple[tuple, dict]:
        """Return a call's arguments for a portion."""
        return step.filled({number: self.tensor(number, portion) for number in step.needs})

    def _make(self, step: Step) -> None:
        """Make a call, and before it those that it needs; without recursion, for deep models."""
        stack = [step]
        while stack:
            missing = [n for n in stack[-1].needs if n not in self._held]
            if missing:
                stack.append(self._maker[missing[0]])
            else:
                self._run(stack.pop())

    def _run(self, step: Step) -> None:
        made: list[list[Any]] = [[] for _ in step.outputs]
        for portion in range(self.count):
            args, kwargs = self.arguments(step, portion)
            outputs = keras.tree.flatten(self._call(step, args, kwargs))
            for portions, output in zip(made, outputs, strict=True):
                portions.append(self._shelf.put(output))
        self._held |= dict(zip(step.outputs, made, strict=True))


class Shelf:
    """Keeps tensors in memory up to a bound, the others in files of a temporary folder.

    Args:
        size: bytes of memory.
    """

    def __init__(self, size: float):
        self._left = size
        self._folder = tempfile.TemporaryDirectory(prefix="tfprune-")
        self._files = 0

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def put(self, tensor: Any) -> Any:
        """Keep a tensor; return what stands for it."""
        size = _size(tensor)
        if size <= self._left or tensor.dtype not in _STORED or _masked(tensor):
            self._left -= size
            return tensor
        self._files += 1
        path = Path(self._folder.name) / f"{self._files}.npy"
        np.save(path, tensor.numpy())
        return path

    def taken(self, kept: Any) -> Any:
        """Return the tensor that something stands for."""
        return tf.convert_to_tensor(np.load(kept)) if isinstance(kept, Path) else kept

    def discard(self, kept: Any) -> None:
        """Forget a tensor."""
        if isinstance(kept, Path):
            kept.unlink()
        else:
            self._left += _size(kept)


def _size(tensor: Any) -> int:
    return int(np.prod(tensor.shape)) * tensor.dtype.size


def _masked(tensor: Any) -> bool:
    """Tell whether Keras hung a mask on a tensor, which a file would lose."""
    return mask_of(tensor) is not None
