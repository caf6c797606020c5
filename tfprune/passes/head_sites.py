"""Where heads, and the places within them, are seen: along axes that are not the last one."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.layer_calls import calls
from tfprune.graph.layer_notes import Owner
from tfprune.graph.rules import has_role
from tfprune.passes.attention import is_attention, with_parts
from tfprune.passes.sites import Site

# A head of a stock attention is gone when its values are, whatever the queries and keys. A place
# of the queries is seen in the queries alone: the keys' are multiplied by them.
_SEEN = (("value", -2), ("value", -1), ("query", -1))


def within_heads(graph: ChannelGraph, names: Iterable[str]) -> dict[str, list[Site]]:
    """Return where heads and places within them lie, {name: a site or more for each call}.

    Args:
        graph: channel graph of the model.
        names: of what makes channels; those that are neither made by a layer like EinsumDense nor
            within a stock attention are left out.

    Example:
        >>> import keras, tfprune
        >>> x = keras.Input((5, 8))
        >>> layer = keras.layers.MultiHeadAttention(2, 4, name="attention")
        >>> graph = tfprune.analyse(keras.Model(x, layer(x, x)))
        >>> [(site.part, site.axis) for site in within_heads(graph, ["attention/heads"])[
        ...     "attention/heads"]]
        [('value', -2)]
    """
    counts = Counter(id(call.operation) for call in calls(graph.model))
    parts = with_parts(graph).owners
    found = {}
    for name in names:
        owner = graph.owners[name]
        if "/" in name and is_attention(owner.operation):
            places = _places(graph, parts, owner, name)
        elif has_role(owner.operation, "projection"):
            places = [(None, axis) for axis in _axes(graph, owner, name)]
        else:
            continue
        number = range(counts[id(owner.operation)])
        sites = [Site(owner.operation, i, axis, part=p) for i in number for p, axis in places]
        found |= {name: sites} if sites else {}
    return found


def _places(
    graph: ChannelGraph, parts: dict[str, Owner], owner: Owner, name: str
) -> list[tuple[str, int]]:
    """Return in which projections of an attention some channels lie, and along which axis."""
    units, found = graph.units_of(name), []
    for part, axis in _SEEN:
        lines = parts[f"{owner.name}/{part}"].outputs[0][0].lines
        if axis in lines and np.array_equal(graph.unit[lines[axis]], units):
            found.append((part, axis))
    return found


def _axes(graph: ChannelGraph, owner: Owner, name: str) -> list[int]:
    """Return the axis of a layer's outputs along which some of its channels lie, in a list."""
    x, units = owner.outputs[0][0], graph.units_of(name)
    for axis in x.varying:
        line = x.along(axis)
        if any(np.array_equal(kind[line], units) for kind in (graph.unit, graph.second)):
            return [axis - len(x.shape)]
    return []
