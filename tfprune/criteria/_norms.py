"""The BatchNormalization layers behind a model's channels."""

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.layer_notes import Owner
from tfprune.graph.rules import has_role


def scaled_norms(graph: ChannelGraph, *, shifted: bool = False) -> list[Owner]:
    """Return the BatchNormalization layers over channels that have a scale.

    Args:
        graph: channel graph of the model.
        shifted: only those that have a shift too.
    """
    return [owner for owner in graph.owners.values() if _is_scaled(owner, shifted)]


def channel_ids(owner: Owner) -> np.ndarray:
    """Return the ids [C] of the channels that a normalisation scales, in the scale's order."""
    return owner.slots[(0, 0)].ids


def require_norms(norms: list[Owner], graph: ChannelGraph, criterion: str, what: str) -> None:
    """Refuse a model without normalisations.

    Args:
        norms: those that the criterion can use.
        graph: channel graph of the model.
        criterion: the criterion's name.
        what: what the normalisations must have, e.g. "scale and shift".
    """
    if not norms:
        raise PruningError(
            f"Criterion {criterion!r} needs BatchNormalization layers with {what}; model "
            f"{graph.model.name!r} has none. Use another criterion, e.g. 'l1'."
        )


def _is_scaled(owner: Owner, shifted: bool) -> bool:
    layer = owner.operation
    if not has_role(layer, "batch_normalisation"):
        return False
    known = (0, 0) in owner.slots  # not so where it normalises other axes than the channels
    return layer.scale and (layer.center or not shifted) and known
