"""Run a movement on the ids."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import UNKNOWN, Channels, collapse
from tfprune.graph.rules._registry import pin_all


def move(call: Call, samples: Callable[[int], int] = lambda unknown: 1) -> list[Channels]:
    """Run the call on the ids in place of the numbers; pin them where that cannot be done.

    Args:
        call: the call; its operation must compute each output number as a copy of an input number.
        samples: how many samples to run it on where the model leaves their number open, given the
            size of other axes that it leaves open.
    """
    try:
        outputs = _moved(call, samples(UNKNOWN), UNKNOWN)
        if any(x.rounds for x in (*call.inputs, *outputs)):
            # One size alone does not tell whether the ids repeat for every size.
            outputs = _moved(call, 2 * samples(UNKNOWN), UNKNOWN)
            other = UNKNOWN + 5
            again = _moved(call, 3 * samples(other), other)
            if not all(map(_same, outputs, again)):
                return pin_all(call, "channels are moved to an axis of unknown size")
    except Exception as error:  # whatever a backend raises: the movement is then unknown
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        return pin_all(call, f"{type(call.op).__name__} cannot move channel ids: {why}")
    if not all(x.ids.size for x in outputs):
        return pin_all(call, "channels are moved to an axis of unknown size")
    return outputs


def _moved(call: Call, samples: int, unknown: int) -> list[Channels]:
    def full(value: Any) -> Any:
        is_tensor = isinstance(value, Channels)
        return np.ascontiguousarray(value.full(samples, unknown)) if is_tensor else value

    args, kwargs = keras.tree.map_structure(full, (call.args, call.kwargs))
    moved = keras.tree.flatten(call.op.call(*args, **kwargs))
    return [collapse(np.asarray(x), shape) for x, shape in zip(moved, call.outputs, strict=True)]


def _same(x: Channels, y: Channels) -> bool:
    return x.ids.shape == y.ids.shape and bool((x.ids == y.ids).all())
