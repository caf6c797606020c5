"""Run a model call by call, over all samples at once, and no further than is asked for."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import tensorflow as tf

from tfprune.passes.tape import Step
from tfprune.reconstruction.tensor_store import TensorStore

Call = Callable[[Step, tuple, dict], Any]


class LazyRun:
    """A run of a model whose tensors are computed when they are asked for.

    Tensors go by number, each as a list of portions of the samples, which the devices take in turn.

    Args:
        call: makes one call of the model.
        maker: {number of a tensor: the call that makes it}.
        store: where the tensors lie.
        inputs: {number: portions} of the model's inputs.
        devices: that make the calls, as `tfprune.distribution.strategies.local_devices`.
    """

    def __init__(
        self,
        call: Call,
        maker: Mapping[int, Step],
        store: TensorStore,
        inputs: Mapping[int, Sequence[Any]],
        devices: Sequence[str | None] = (None,),
    ):
        self._call, self._maker, self._store = call, maker, store
        self._devices = devices
        self._held = {number: list(portions) for number, portions in inputs.items()}
        self.count = len(next(iter(self._held.values())))

    def __contains__(self, number: int) -> bool:
        return number in self._held

    def tensor(self, number: int, portion: int) -> Any:
        """Return a portion of a tensor; what it needs is computed first."""
        if number not in self._held:
            self._make(self._maker[number])
        return self._store.get(self._held[number][portion])

    def run(self, step: Step) -> None:
        """Make a call for all portions, unless that is done already."""
        if step.outputs[0] not in self._held:
            self._make(step)

    def drop(self, number: int) -> None:
        """Forget a tensor."""
        for portion in self._held.pop(number, ()):
            self._store.discard(portion)

    def arguments(self, step: Step, portion: int) -> tuple[tuple, dict]:
        """Return a call's arguments for a portion."""
        return step.filled({number: self.tensor(number, portion) for number in step.needs})

    def device(self, portion: int) -> AbstractContextManager:
        """Return the scope of the device that makes the calls for a portion."""
        return tf.device(self._devices[portion % len(self._devices)])

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
            with self.device(portion):
                outputs = keras.tree.flatten(self._call(step, args, kwargs))
            for portions, output in zip(made, outputs, strict=True):
                portions.append(self._store.put(output))
        self._held |= dict(zip(step.outputs, made, strict=True))
