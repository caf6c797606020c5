"""Whether a copy with nothing cut computes what the model itself computes."""

from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.surgery.builder import copy_whole
from tfprune.surgery.equality import compare
from tfprune.surgery.responses import called, responses

# Both run the same operations on the same numbers: rounding alone may differ, and hardly does.
_STEPS = 8


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
        f"A copy of model {model.name!r} with nothing cut computes something else: {place}. Let "
        "get_config and from_config of that layer describe all its state, or hold it in weights: "
        "what they leave out is lost in the pruned model and in its file alike."
    )
