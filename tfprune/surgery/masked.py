"""Copy an unpruned model with zeros wherever a removed channel is read."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tfprune.graph.channels import Channels, Shape
from tfprune.graph.layer_notes import Owner
from tfprune.surgery.builder import Builder


class MaskedBuilder(Builder):
    """Copies the unpruned model with zeros wherever a removed channel is read."""

    def edits(self, owner: Owner) -> Mapping[str, Any]:
        """Return no changes: every layer keeps its size."""
        return {}

    def call(self, owner: Owner, index: int, copy: Any, args: tuple, kwargs: dict) -> Any:
        """Make a call as it was, on zeros where a reader without weights reads."""
        for reader in self.graph.readers:
            if reader.operation is owner.operation and reader.call == index:
                first, *others = args[0] if isinstance(args[0], list | tuple) else args
                shape = [1] * len(first.shape)
                shape[reader.axis] = -1
                mask = self.kept[reader.ids].reshape(shape)
                members = [keras.ops.where(mask, first, 0), *others]
                args = (members, *args[1:]) if first is not args[0] else tuple(members)
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
