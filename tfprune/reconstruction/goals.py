"""What a layer's outputs are to be, and what takes up an offset that its own bias cannot."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tfprune.graph.rules import has_role
from tfprune.passes.tape import Step
from tfprune.reconstruction.forms import Form
from tfprune.reconstruction.lanes import Lane
from tfprune.reconstruction.pair import Pair
from tfprune.reconstruction.plan import Aim, Plan

_STEEP = 1e-3  # of the median slope: a normalisation that is flatter hides its input


def completing(
    pair: Pair, aim: Aim, lanes: tuple[Lane, Lane], portion: int, own: np.ndarray
) -> np.ndarray:
    """Return the outputs that make a sum what it is in the original, given its other terms.

    Args:
        pair: both models.
        aim: the sum.
        lanes: of the original and of the pruned model.
        portion: which samples.
        own: what the layer itself computes in the original, where the sum gives no goal.
    """
    original, small = lanes
    if not all(number in small for number in aim.others):
        return own
    total = np.asarray(original.tensor(aim.total.outputs[0], portion))
    total = pair.output_left(aim.total, total)
    others = [np.asarray(small.tensor(number, portion)) for number in aim.others]
    if any(other.shape != total.shape for other in others) or total.shape != own.shape:
        return own
    rest = total - sum(others)
    return rest if aim.norm is None else _before(pair.copy(aim.norm), rest, own)


def _before(norm: Any, wanted: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return what a normalisation has to receive to give `wanted`; `own` where it hides that."""
    view = [1] * wanted.ndim
    view[norm.axis] = -1
    slope = 1 / np.sqrt(norm.moving_variance.numpy().astype(np.float64) + norm.epsilon)
    if norm.gamma is not None:
        slope = slope * norm.gamma.numpy()
    beta = 0.0 if norm.beta is None else norm.beta.numpy().reshape(view)
    steep = np.abs(slope) > _STEEP * np.median(np.abs(slope))
    safe = np.where(steep, slope, 1.0).reshape(view)
    before = (wanted - beta) / safe + norm.moving_mean.numpy().reshape(view)
    return np.where(steep.reshape(view), before, own)


def carrier(pair: Pair, plan: Plan, step: Step, form: Form) -> Callable[[np.ndarray], Any] | None:
    """Return what takes up an offset of a layer's outputs; None where nothing can.

    That is its own bias, else the moving mean of the batch normalisation that alone reads it.

    Args:
        pair: both models.
        plan: of their calls.
        step: the layer's first call.
        form: of the layer.
    """
    if form.takes_offset:
        return form.shift
    number = step.outputs[0]
    readers = plan.readers.get(number, ())
    hidden = len(readers) == 1 and number not in plan.tape.outputs
    bare = id(step.operation) not in pair.activations and len(plan.calls[id(step.operation)]) == 1
    if not (hidden and bare and has_role(readers[0].operation, "batch_normalisation")):
        return None
    norm = pair.copy(readers[0])
    if len(plan.calls[id(readers[0].operation)]) > 1:
        return None
    return lambda offset: norm.moving_mean.assign(norm.moving_mean.numpy() - offset.reshape(-1))
