"""Whether a copy with nothing cut computes what the model itself computes."""

from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.surgery.builder import copy_whole
from tfprune.surgery.equality import compare
from tfprune.surgery.keras_faults import misread_activation
from tfprune.surgery.responses import called, responses

# Both run the same operations on the same numbers: rounding alone may differ, and hardly does.
_STEPS = 8
_FORGOTTEN = (
    "Let get_config and from_config of that layer describe all its state, or hold it in weights: "
    "what they leave out is lost in the pruned model and in its file alike."
)


def require_faithful(graph: ChannelGraph, inputs: Any, expected: list[np.ndarray]) -> None:
    """Compare what a model answers with what a whole copy of it answers.

    A layer of one's own is copied by its config; what that does not tell is lost in every copy.

    Args:
        graph: channel graph of the model.
        inputs: one batch, as the model takes it.
        expected: the model's responses to them, float64 [N, ...] of each output.

    Raises:
        PruningError: the copy computes something else; the layer is named.
    """
    copy = copy_whole(graph)
    if not _equal(expected, responses(copy, inputs)):
        raise _unfaithful(graph.model, copy, inputs)


def _equal(expected: list[np.ndarray], received: list[np.ndarray]) -> bool:
    if [y.shape for y in expected] != [y.shape for y in received]:
        return False
    gaps = compare(expected, received)
    return all(gap.relative <= _STEPS * gap.precision or not gap.is_finite for gap in gaps)


def _unfaithful(model: keras.Model, copy: keras.Model, inputs: Any) -> PruningError:
    pairs = zip(called(model, inputs), called(copy, inputs), strict=True)
    first = next((own for (own, mine), (_, other) in pairs if not _equal(mine, other)), None)
    place = (
        f"layer {first.name!r} ({type(first).__name__}) is the first that differs"
        if first is not None
        else "its outputs differ although all its layers agree"
    )
    return PruningError(
        f"A copy of model {model.name!r} with nothing cut computes something else: {place}. "
        f"{_drawn(model, first, inputs) or _misread_activation(first) or _FORGOTTEN}"
    )


def _drawn(model: keras.Model, layer: Any, inputs: Any) -> str:
    """Tell of a layer whose answers are others at every call, such as one that samples."""
    first, second = ([y for own, y in called(model, inputs) if own is layer] for _ in range(2))
    if all(map(_equal, first, second)):
        return ""
    return (
        "It computes something else at every call, as layers that draw random numbers do: nothing "
        "behind it can be compared. Prune the models before and behind it, each by itself."
    )


def _misread_activation(layer: Any) -> str:
    """Tell of an activation that Keras writes by the name of another one, such as `ops.gelu`."""
    own = misread_activation(layer)
    if own is None:
        return ""
    name = own.__name__
    return (
        f"Keras writes its activation by the name {name!r}, and reads that as "
        f"keras.activations.{name}, which computes something else; the file of the unpruned model "
        f"has the same fault. Set that layer's `activation` to keras.activations.{name}, or to a "
        "registered function of your own."
    )
