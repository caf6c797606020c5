"""Copy an unpruned model with zeros wherever a removed channel is read."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tfprune.graph.channels import Channels, Shape
from tfprune.graph.layer_notes import Owner, Reader
from tfprune.surgery.builder import Builder


def on_zeros(args: tuple, reader: Reader, kept: np.ndarray) -> tuple:
    """Return a call's arguments with zeros in place of what is gone of the input that is read.

    Args:
        args: tensors, or a list of them, as Attention takes it.
        reader: which of them is read, and along which axis.
        kept: which ids stay, bool [ids].
    """
    nested = isinstance(args[0], list | tuple)
    members = list(args[0] if nested else args)
    shape = [1] * len(members[reader.place].shape)
    shape[reader.axis] = -1
    mask = kept[reader.ids].reshape(shape)
    members[reader.place] = keras.ops.where(mask, members[reader.place], 0)
    return (members, *args[1:]) if nested else tuple(members)


class MaskedBuilder(Builder):
    """Copies the unpruned model with zeros wherever a removed channel is read."""

    def edits(self, owner: Owner) -> Mapping[str, Any]:
        """Return no changes: every layer keeps its size."""
        return {}

    def factors(self, owner: Owner) -> Mapping[int, float]:
        """Return no factors: the numbers are the original's."""
        return {}

    def call(self, owner: Owner, index: int, copy: Any, args: tuple, kwargs: dict) -> Any:
        """Make a call as it was, on zeros where a reader without weights reads."""
        for reader in self.graph.readers:
            if reader.operation is owner.operation and reader.call == index:
                args = on_zeros(args, reader, self.kept)
        return copy(*args, **kwargs)

    def shape(self, x: Channels) -> Shape:
        """Return a tensor's shape as it was."""
        return x.shape

    def _compressed(self, owner: Owner, index: int, value: np.ndarray) -> np.ndarray:
        for (weight, axis), slot in owner.slots.items():
            if weight == index and slot.reads:
                shape = [1] * value.ndim
                shape[axis] = -1
                value = np.where(self.kept[slot.ids].reshape(shape), value, 0)
        return value
