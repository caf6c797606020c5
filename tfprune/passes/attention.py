"""Attention in parts: its projections, as layers of their own, and the heart between them.

A tape that is recorded from such a graph makes a call of each part, so that what the projections
read and make are tensors like all others. Nothing is copied: the parts are the layer's own.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph, Owners
from tfprune.graph.keras_private import projecting_with, projections
from tfprune.graph.layer_notes import Ids, Owner, Slot
from tfprune.graph.rules import has_role, has_rule


class Heart:
    """All that an attention does between its projections.

    Args:
        attention: the layer.
    """

    def __init__(self, attention: Any):
        self.attention, self.name = attention, attention.name

    def call(self, projected: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Return what the output's projection reads, and what else the layer returns.

        Args:
            projected: {projection: what it made}.
            *args: what the layer is called with.
            **kwargs: likewise.
        """
        given = {name: lambda _, x=x: x for name, x in projected.items()}
        with projecting_with(self.attention, **given, output=lambda x: x):
            return self.attention(*args, **kwargs)

    __call__ = call

    def in_parts(self, call: Callable[..., list], args: tuple, kwargs: dict) -> list:
        """Make a call of the attention part by part.

        Args:
            call: `call(part, args, kwargs)` makes the call of one part, and returns a list.
            args: what the attention is called with.
            kwargs: likewise.
        """
        given = inspect.signature(self.attention.call).bind(*args, **kwargs).arguments
        query, value = given["query"], given["value"]
        key = value if given.get("key") is None else given["key"]
        reads = {"query": query, "key": key, "value": value, "gate": query}
        parts = dict(projections(self.attention))
        output = parts.pop("output")
        projected = {name: call(part, (reads[name],), {})[0] for name, part in parts.items()}
        attended, *others = call(self, (projected, *args), kwargs)
        return [*call(output, (attended,), {}), *others]


@dataclass(frozen=True)
class Lines:
    """The ids along the last axes of a tensor, where what is left of each does not ask the others.

    Args:
        lines: {axis, counted from the end: ids}.
    """

    lines: Mapping[int, Ids]

    @property
    def varying(self) -> tuple[int, ...]:
        """The axes along which the ids change."""
        return tuple(self.lines)

    def kept_along(self, axis: int, kept: np.ndarray) -> np.ndarray:
        """Return which places along an axis are left, bool [C]."""
        return kept[self.lines[axis]]


def with_parts(graph: ChannelGraph) -> ChannelGraph:
    """Return a channel graph that knows the parts of each attention, as `attention/output`.

    Args:
        graph: channel graph of a model.
    """
    found = Owners(graph.owners)
    for owner in graph.owners.values():
        if is_attention(owner.operation):
            found |= {part.name: part for part in _parts(owner)}
    return replace(graph, owners=found)


def is_attention(operation: Any) -> bool:
    """Tell whether a layer is a stock attention with projections of its own."""
    known = has_rule(operation) and has_role(operation, "attention")
    return known and "output" in projections(operation)


def copies_of_parts(graph: ChannelGraph, copies: Mapping[int, Any]) -> dict[int, Any]:
    """Return {id of a part: the part of the attention's copy}, which hands masks on.

    Args:
        graph: what `with_parts` returned.
        copies: {id of a layer: its copy}.
    """
    found = {}
    for heart in hearts(graph).values():
        copy = copies[id(heart.attention)]
        own = projections(copy)
        for part in own.values():
            part.supports_masking = True  # masks come in and go out as they do in the whole
        found |= {id(x): own[name] for name, x in projections(heart.attention).items()}
        found[id(heart)] = Heart(copy)
    return found


def hearts(graph: ChannelGraph) -> dict[int, Heart]:
    """Return {id of an attention: its heart}, of a graph that `with_parts` returned."""
    operations = [owner.operation for owner in graph.owners.values()]
    return {id(x.attention): x for x in operations if isinstance(x, Heart)}


def _parts(owner: Owner) -> Iterator[Owner]:
    for name, layer in projections(owner.operation).items():
        index = {place: owner.index(weight) for place, weight in enumerate(layer.weights)}
        slots = {
            (place, slot.axis): Slot(place, slot.axis, slot.ids, slot.reads)
            for place, whole in index.items()
            for slot in owner.slots.values()
            if slot.weight == whole
        }
        factors = {p: owner.factors[whole] for p, whole in index.items() if whole in owner.factors}
        kernel = {slot.axis: slot.ids for slot in slots.values() if slot.weight == 0}
        # A kernel's first axes lie last in what it reads, its last ones in what it makes.
        read = 2 if name == "output" else 1
        inputs = {axis - read: ids for axis, ids in kernel.items() if axis < read}
        outputs = {axis - 3: ids for axis, ids in kernel.items() if axis >= read}
        yield Owner(
            layer, f"{owner.name}/{name}", slots, factors=factors, call_edits=[None],
            inputs=[Lines(inputs)], outputs=[[Lines(outputs)]],
        )  # fmt: skip
    heart = Heart(owner.operation)
    others = [Lines({}) for _ in owner.outputs[0]]
    yield Owner(heart, f"{owner.name}/heart", call_edits=[None], outputs=[others])
