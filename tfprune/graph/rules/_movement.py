"""Run a movement on the ids."""

from typing import Any

import keras
import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, collapse
from tfprune.graph.rules._registry import pin_all


def move(call: Call, batch: int = 1) -> list[Channels]:
    """Run the call on the ids in place of the numbers; pin them where that cannot be done.

    Args:
        call: the call; its operation must compute each output number as a copy of an input number.
        batch: number of samples to run it on, where the model leaves it open.
    """

    def full(value: Any) -> Any:
        is_tensor = isinstance(value, Channels)
        return np.ascontiguousarray(value.full(batch)) if is_tensor else value

    args, kwargs = keras.tree.map_structure(full, (call.args, call.kwargs))
    try:
        moved = keras.tree.flatten(call.op.call(*args, **kwargs))
    except Exception as error:  # whatever a backend raises: the movement is then unknown
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        return pin_all(call, f"{type(call.op).__name__} cannot move channel ids: {why}")
    outputs = [
        collapse(np.asarray(ids), shape) for ids, shape in zip(moved, call.outputs, strict=True)
    ]
    if any(_is_open(x) for x in outputs):
        return pin_all(call, "channels are moved to an axis of unknown size")
    return outputs


def _is_open(x: Channels) -> bool:
    """Return whether ids change along an axis whose size the model leaves open."""
    return not x.ids.size or any(x.shape[axis] is None for axis in x.varying)
