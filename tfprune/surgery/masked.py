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
                shape = [1] * len(args[0].shape)
                shape[reader.axis] = -1
                mask = self.kept[reader.ids].reshape(shape)
                args = (keras.ops.where(mask, args[0], 0), *args[1:])
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
