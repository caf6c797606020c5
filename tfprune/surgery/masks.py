"""From keep masks per layer to the ids that stay; every refusal of surgery happens here."""

from collections.abc import Mapping

import numpy as np

from tfprune.errors import PruningError, unknown
from tfprune.graph.channel_graph import ChannelGraph


def kept_ids(graph: ChannelGraph, keep: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return which ids stay under keep masks, bool [ids].

    Args:
        graph: the model's channel graph.
        keep: {layer name: bool [C], True = kept}; layers left out are kept whole.

    Raises:
        PruningError: an unknown layer, a mask of another type or length, masks that disagree
            across coupled layers, a pinned channel removed, a layer emptied.
    """
    if not isinstance(graph, ChannelGraph) or not isinstance(keep, Mapping):
        raise PruningError(
            "Expected the channel graph of tfprune.analyse(model) and keep masks as {layer name: "
            f"bool [C]}}, received {type(graph).__name__} and {type(keep).__name__}."
        )
    masks = {name: _checked(graph, name, mask) for name, mask in keep.items()}
    removed = np.zeros(len(graph.is_pinned), bool)
    for name, mask in masks.items():
        removed[graph.units_of(name)[~mask]] = True
    _check_pins(graph, masks, removed)
    for name in graph.producers:
        _check_agreement(graph, masks, name, removed)
    kept = graph.kept(removed)
    _check_not_empty(graph, kept)
    return kept


def _checked(graph: ChannelGraph, name: str, mask: np.ndarray) -> np.ndarray:
    if name not in graph.producers:
        raise unknown("layer with channels of its own in keep masks", name, graph.producers)
    count = graph.channels(name)
    try:
        mask = np.asarray(mask)
    except ValueError:  # lists of different lengths
        mask = np.asarray(mask, object)
    if mask.dtype != bool or mask.shape != (count,):
        raise PruningError(
            f"Keep mask of layer {name!r}: expected bool[{count}] (True = kept), received "
            f"{mask.dtype}{list(mask.shape)}. Give one truth value per channel."
        )
    return mask


def _check_agreement(
    graph: ChannelGraph, masks: Mapping[str, np.ndarray], name: str, removed: np.ndarray
) -> None:
    units = graph.units_of(name)
    mask = masks.get(name, np.ones(len(units), bool))
    wrong = np.flatnonzero(mask & removed[units])
    if not len(wrong):
        return
    channel = int(wrong[0])
    others = [n for n, m in masks.items() if (graph.units_of(n)[~m] == units[channel]).any()]
    other = masks[others[0]]
    remark = "" if name in masks else " (no mask was given, so it is kept whole)"
    raise PruningError(
        f"Keep masks disagree: layer {name!r} keeps {int(mask.sum())} of {len(mask)} channels"
        f"{remark} and layer {others[0]!r} keeps {int(other.sum())} of {len(other)}, but channel "
        f"{channel} of {name!r} lives or dies with a channel that {others[0]!r} removes. Give "
        "coupled channels equal values; print(graph) shows what is coupled."
    )


def _check_pins(graph: ChannelGraph, masks: Mapping[str, np.ndarray], removed: np.ndarray) -> None:
    wrong = np.flatnonzero(removed & graph.is_pinned)
    if len(wrong):
        unit = int(wrong[0])
        name = next(n for n, m in masks.items() if unit in graph.units_of(n)[~m])
        channel = int(np.flatnonzero(graph.units_of(name) == unit)[0])
        raise PruningError(
            f"Keep mask of layer {name!r} removes channel {channel}, which is pinned "
            f"({graph.pinned[unit]}). Keep it: graph.free({name!r}) tells which channels may go."
        )


def _check_not_empty(graph: ChannelGraph, kept: np.ndarray) -> None:
    for name, ids in graph.producers.items():
        if not kept[ids].any():
            raise PruningError(
                f"Keep mask of layer {name!r} removes all of its {len(ids)} channels. "
                "Keep at least one."
            )
    for owner in graph.owners.values():
        for ids in owner.needed:
            if not kept[ids].any():
                raise PruningError(
                    f"The keep masks leave layer {owner.name!r} without any of "
                    f"{len(ids)} channels that it reads or returns. Keep at least one of them."
                )
