"""A channel graph as a table that a person can read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tfprune.channel_graph import ChannelGraph

_HEADER = ("layer", "channels", "free", "units", "coupled with", "pinned because")
_NAMES = 3  # coupled layers that are named; the rest are counted


def graph_table(graph: ChannelGraph) -> str:
    """Return one line per layer: channels, units, what it is coupled with, what is pinned and why.

    Args:
        graph: the graph to show.
    """
    rows = [_HEADER, *(_row(graph, name) for name in graph.producers)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in rows]  # fmt: skip
    total = sum(graph.channels(name) for name in graph.producers)
    free = sum(int(graph.free(name).sum()) for name in graph.producers)
    title = f"Channel graph of {graph.model.name!r}: {free:,} of {total:,} channels may go"
    return "\n".join([title, *lines, *_unreached(graph)])


def _row(graph: ChannelGraph, name: str) -> tuple[str, ...]:
    units = graph.units_of(name)
    coupled = graph.groups[name]
    listed = ", ".join(coupled[:_NAMES])
    more = f" and {len(coupled) - _NAMES} more" if len(coupled) > _NAMES else ""
    return (
        name,
        str(graph.channels(name)),
        str(int(graph.free(name).sum())),
        str(len(np.unique(units))),
        listed + more or "-",
        _pinned(graph, units) or "-",
    )


def _pinned(graph: ChannelGraph, units: np.ndarray) -> str:
    reasons = Counter(graph.pinned[unit] for unit in units.tolist() if unit in graph.pinned)
    return "; ".join(
        reason if count == len(units) else f"{count} channels: {reason}"
        for reason, count in reasons.most_common()
    )


def _unreached(graph: ChannelGraph) -> list[str]:
    """Name the kinds of layers that have weights but no rule: they are left whole."""
    whole = Counter(
        type(owner.operation).__name__
        for owner in graph.owners.values()
        if getattr(owner.operation, "weights", ()) and not owner.slots
    )
    kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(whole.items()))
    return [f"left whole: {kinds}"] if kinds else []
