"""What a layer's outputs are to be, and what takes up an offset that its own bias cannot."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.graph.rules import has_role
from tfprune.passes.tape import Step
from tfprune.reconstruction.forms import Form
from tfprune.reconstruction.lazy_run import LazyRun
from tfprune.reconstruction.pair import Pair
from tfprune.reconstruction.plan import Aim, Plan

_STEEP = 1e-3  # of the median slope: a normalisation that is flatter hides its input


def completing(
    pair: Pair, aim: Aim, runs: tuple[LazyRun, LazyRun], portion: int, own: np.ndarray
) -> np.ndarray:
    """Return the outputs that make a sum what it is in the original, given its other terms.

    Args:
        pair: both models.
        aim: the sum.
        runs: of the original and of the pruned model.
        portion: which samples.
        own: what the layer itself computes in the original, where the sum gives no goal.
    """
    original, small = runs
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
    slope = _slope(norm)
    beta = 0.0 if norm.beta is None else norm.beta.numpy().reshape(view)
    steep = np.abs(slope) > _STEEP * np.median(np.abs(slope))
    safe = np.where(steep, slope, 1.0).reshape(view)
    before = (wanted - beta) / safe + norm.moving_mean.numpy().reshape(view)
    return np.where(steep.reshape(view), before, own)


def _slope(norm: Any) -> np.ndarray:
    slope = 1 / np.sqrt(norm.moving_variance.numpy().astype(np.float64) + norm.epsilon)
    return slope if norm.gamma is None else slope * norm.gamma.numpy()


def hidden_below(
    pair: Pair,
    plan: Plan,
    runs: tuple[LazyRun, LazyRun],
    call: Step,
    portion: int,
    goal: np.ndarray,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the level up to which a layer's outputs make no difference, behind a ReLU.

    Args:
        pair: both models.
        plan: of their calls.
        runs: of the original and of the pruned model.
        call: the layer's.
        portion: which samples.
        goal: what its outputs are to be, before any activation.

    Returns:
        The level, like the goal, and 1 or -1 in the same shape: with -1, a normalisation turns the
        sign, and it is outputs above the level that are hidden. None: nothing is hidden.
    """
    level, norm, number = np.zeros_like(goal), None, call.outputs[0]
    own = pair.activations.get(id(call.operation))
    if own is not None:
        return (level, np.ones_like(goal)) if _is_zero_below(own) else None
    aim = plan.aims.get(call)
    if aim is not None:
        others = [np.asarray(runs[1].tensor(n, portion)) for n in aim.others if n in runs[1]]
        if len(others) < len(aim.others) or any(x.shape != goal.shape for x in others):
            return None
        level, norm, number = -sum(others), aim.norm, aim.total.outputs[0]
    elif (reader := plan.reader(number)) and has_role(reader.operation, "batch_normalisation"):
        norm, number = reader, reader.outputs[0]
    last = plan.reader(number)
    if last is None or not has_role(last.operation, "activation"):
        return None
    if not _is_zero_below(pair.copy(last)):
        return None
    if norm is None:
        return level, np.ones_like(goal)
    layer = pair.copy(norm)
    view = [1] * goal.ndim
    view[layer.axis] = -1
    sign = np.broadcast_to(np.sign(_slope(layer)).reshape(view), goal.shape)
    return _before(layer, level, goal), sign


def _is_zero_below(activation: Callable[[Any], Any]) -> bool:
    """Tell by trying whether an activation is 0 up to 0 and rises from there, as ReLU does."""
    try:
        low, high = (np.asarray(activation(tf.constant([x]))) for x in ([-9.0, -0.1], [0.1, 0.9]))
    except (ValueError, TypeError, tf.errors.InvalidArgumentError):  # one that wants other shapes
        return False
    return not low.any() and bool((high > 0).all())


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
    reader = plan.reader(number)
    bare = id(step.operation) not in pair.activations and len(plan.calls[id(step.operation)]) == 1
    if reader is None or not bare or len(plan.calls[id(reader.operation)]) > 1:
        return None
    if not has_role(reader.operation, "batch_normalisation"):
        return None
    norm = pair.copy(reader)
    return lambda offset: norm.moving_mean.assign(norm.moving_mean.numpy() - offset.reshape(-1))
