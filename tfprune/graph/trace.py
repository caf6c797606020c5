"""What one analysis gathers while the ids run through a model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfprune.graph.channels import Channels
from tfprune.graph.grids import Grids
from tfprune.graph.layer_notes import Ids, Owner, Reader


@dataclass
class Trace:
    """The notes of one analysis."""

    allow_inexact: bool = False
    size: int = 0
    owners: dict[int, Owner] = field(default_factory=dict)  # by id(operation)
    edges: list[tuple[Ids, Ids]] = field(default_factory=list)
    pins: list[tuple[Ids, str]] = field(default_factory=list)
    inexact: list[tuple[Ids, str]] = field(default_factory=list)
    moved: list[Channels] = field(default_factory=list)  # ids that vary along several axes
    readers: list[Reader] = field(default_factory=list)
    whole: dict[str, str] = field(default_factory=dict)  # {layer: why it cannot be opened}
    models: dict[int, tuple[Sequence[Channels], Sequence[Channels]]] = field(default_factory=dict)

    grids: Grids = field(default_factory=Grids)

    def new_ids(self, count: int) -> Ids:
        """Return `count` ids that nobody has used yet."""
        self.size += count
        return np.arange(self.size - count, self.size)

    def owner(self, operation: Any, name: str) -> Owner:
        """Return the notes about an operation; one that is used twice keeps its first name."""
        return self.owners.setdefault(id(operation), Owner(operation, name))

    def maker(self, ids: Ids) -> Owner | None:
        """Return the notes about the layer that makes all of these channels, if one does."""
        own = (o for o in self.owners.values() if o.fresh is not None)
        return next((o for o in own if np.isin(ids, o.fresh).all()), None)

    def tie(self, inputs: Sequence[Channels], first: Sequence[Channels], name: str) -> None:
        """Unite what something is called with and what it was first called with.

        One set of arguments and cuts serves all its calls, so the same channels must go.
        """
        for x, y in zip(inputs, first, strict=True):
            pairs = zip(x.ids.shape[::-1], y.ids.shape[::-1], strict=False)
            if all(a == b or 1 in (a, b) for a, b in pairs):
                self.edges.append(tuple(np.broadcast_arrays(x.ids, y.ids)))
            else:
                reason = f"{name}: called with channels along different axes"
                self.pins += [(x.ids, reason), (y.ids, reason)]
