"""What is learnt about one layer: which axis of which weight carries which channels."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfprune.graph.channels import Channels

Ids = np.ndarray


Edit = Callable[[Any, np.ndarray], Any]
Factor = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Slot:
    """One axis of one weight, and the channel each of its entries belongs to.

    Args:
        weight: index of the weight in its layer's `weights`.
        axis: the axis, counted from 0.
        ids: channel ids, one per entry of the axis.
        reads: True where the axis multiplies incoming channels, so that zeroing its entries is
            what masking a channel means; False where it merely follows the channels.
    """

    weight: int
    axis: int
    ids: Ids
    reads: bool


@dataclass(frozen=True)
class Reader:
    """A call without weights that reads channels: masking multiplies its input by zeros.

    Args:
        operation: the operation called.
        call: which of its calls this is, counted from 0.
        ids: the ids [C] of the channels of the input that is read.
        axis: the axis they lie along.
        place: of the input among those that the call is given in order.
    """

    operation: Any
    call: int
    ids: Ids
    axis: int
    place: int = 0


@dataclass
class Owner:
    """What was learnt about one layer or operation of the graph."""

    operation: Any
    name: str
    slots: dict[tuple[int, int], Slot] = field(default_factory=dict)
    times: dict[int, int | None] = field(default_factory=dict)  # multiplications per weight entry
    # (multiplications of a call without weights, but for those that go with these ids)
    products: list[tuple[int | None, list[Ids]]] = field(default_factory=list)
    factors: dict[int, Factor] = field(default_factory=dict)  # {weight: what to multiply it by}
    config_edits: dict[str, Edit] = field(default_factory=dict)
    call_edits: list[Edit | None] = field(default_factory=list)  # one per call, in order
    fresh: Ids | None = None
    inner: dict[str, Ids] = field(default_factory=dict)  # {what: ids} that nothing outside sees
    on_request: set[str] = field(default_factory=set)  # of `inner`: what waits to be named
    inputs: Sequence[Channels] = ()  # of the first call
    outputs: list[Sequence[Channels]] = field(default_factory=list)  # of each call, in order
    parts: list[Ids] = field(default_factory=list)  # of each, one channel must stay

    def index(self, weight: Any) -> int:
        """Return the number of a weight among those of the layer."""
        return next(i for i, own in enumerate(self.operation.weights) if own is weight)

    def count(self, times: Mapping[int, int | None]) -> None:
        """Add multiplications, {weight: how often one call multiplies by each of its entries}."""
        for index, more in times.items():
            before = self.times.get(index, 0)
            self.times[index] = None if None in (more, before) else before + more

    @property
    def needed(self) -> list[Ids]:
        """Ids of which at least one must stay, for each weight's axis and each part."""
        return [*(slot.ids for slot in self.slots.values()), *self.parts]

    @property
    def is_whole(self) -> bool:
        """Whether the layer has kernels of which no rule says how often it multiplies by them."""
        weights = getattr(self.operation, "weights", ())  # frozen ones multiply too
        return any(w.ndim > 1 and "float" in w.dtype for w in weights) and not self.slots

    @property
    def uncounted(self) -> str | None:
        """Why the layer's multiplications are unknown; None where they are known."""
        if self.is_whole:
            return "has no rule that counts its multiplications"
        counts = [*self.times.values(), *(fixed for fixed, _ in self.products)]
        return "works on maps of unknown size" if None in counts else None

    @property
    def product_macs(self) -> int:
        """Multiplications of the calls without weights, nothing cut."""
        return sum(fixed * math.prod(map(len, lines)) for fixed, lines in self.products)
