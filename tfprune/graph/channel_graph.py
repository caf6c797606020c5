"""What an analysis found: units, what they tie together, and what must stay."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from scipy.sparse import coo_matrix

from tfprune import texts
from tfprune.graph.channels import Channels
from tfprune.graph.layer_notes import Owner, Reader

_HEADER = ("layer", "channels", "free", "units", "coupled with", "pinned because")
_NAMES = 3  # coupled layers that are named; the rest are counted


class Owners(dict[str, Owner]):
    """Owners by name; channels within a layer, `attention/heads`, are the layer's own."""

    def __missing__(self, name: str) -> Owner:
        layer = name.rpartition("/")[0]
        if not layer:
            raise KeyError(name)
        return self[layer]


@dataclass(frozen=True, eq=False, repr=False)
class ChannelGraph:
    """The channels of a model, and which of them live or die together.

    Args:
        model: the analysed model.
        owners: what was learnt about each layer, by name; of `attention/heads` what was learnt
            about `attention`.
        producers: {layer name: ids [C]} of the layers that make channels.
        unit: int [ids]; the unit each id belongs to. A unit lives or dies as a whole.
        second: int [ids]; the unit of the place within its head, without which the id goes too; the
            same as `unit` for all but channels of heads.
        pinned: {unit: reason} of the units that must stay.
        inexact: {unit: reason} of the units whose removal changes a statistic.
        readers: calls without weights that read channels.
        nested: {id of a model within the model: the channels it is called with}.
    """

    model: keras.Model
    owners: dict[str, Owner]
    producers: dict[str, np.ndarray]
    unit: np.ndarray
    second: np.ndarray
    pinned: dict[int, str]
    inexact: dict[int, str]
    readers: tuple[Reader, ...]
    nested: dict[int, tuple[Channels, ...]]

    def kept(self, gone: np.ndarray) -> np.ndarray:
        """Return which ids stay once some units are gone, bool [ids].

        Args:
            gone: bool [units].
        """
        return ~(gone[self.unit] | gone[self.second])

    def masks(self, gone: np.ndarray) -> dict[str, np.ndarray]:
        """Return the keep masks of a cut, {layer: bool [C]}: what goes with places has its own.

        Args:
            gone: bool [units].
        """
        return {name: ~gone[self.units_of(name)] for name in self.producers}

    def channels(self, layer: str) -> int:
        """Return the number of channels that a layer makes."""
        return len(self.producers[layer])

    def units_of(self, layer: str) -> np.ndarray:
        """Return the unit of each channel of a layer, int [C]."""
        return self.unit[self.producers[layer]]

    def free(self, layer: str) -> np.ndarray:
        """Return which channels of a layer may be removed, bool [C]."""
        return ~self.is_pinned[self.units_of(layer)]

    @cached_property
    def is_pinned(self) -> np.ndarray:
        """Which units are pinned, bool [units]."""
        pinned = np.zeros(self.unit.max(initial=-1) + 1, bool)
        pinned[list(self.pinned)] = True
        return pinned

    @cached_property
    def on_request(self) -> frozenset[str]:
        """Names that a selection prunes only where they are named, such as the sizes of heads."""
        found = {(owner.name, what) for owner in self.owners.values() for what in owner.on_request}
        return frozenset(f"{name}/{what}" for name, what in found)

    @cached_property
    def waits(self) -> np.ndarray:
        """Which units belong to such names, bool [units]."""
        found = np.zeros_like(self.is_pinned)
        for name in self.on_request:
            found[self.units_of(name)] = True
        return found

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """{layer: layers that share a unit with it, itself left out}."""
        names = list(self.producers)
        units = [np.unique(self.units_of(name)) for name in names]
        layer = np.repeat(np.arange(len(names)), [len(u) for u in units])
        unit = np.concatenate(units) if units else np.zeros(0, int)
        together = coo_matrix((np.ones(len(unit)), (layer, unit))).tocsr()
        touching = (together @ together.T).tolil().rows
        return {
            name: tuple(names[j] for j in sorted(touching[i]) if j != i)
            for i, name in enumerate(names)
        }

    def __repr__(self) -> str:
        return f"<{_title(self)}, {len(self.producers)} layers>"

    def __str__(self) -> str:
        return _table(self)

    def _repr_html_(self) -> str:
        return texts.table(_title(self), _HEADER, [_row(self, name) for name in self.producers])


def _table(graph: ChannelGraph) -> str:
    """Return one line per layer: its channels, what they are coupled with, what is pinned."""
    rows = [_HEADER, *(_row(graph, name) for name in graph.producers)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in rows]  # fmt: skip
    return "\n".join([_title(graph), *lines, *_unreached(graph)])


def _title(graph: ChannelGraph) -> str:
    total = sum(graph.channels(name) for name in graph.producers)
    free = sum(int(graph.free(name).sum()) for name in graph.producers)
    return f"Channel graph of {graph.model.name!r}: {free:,} of {total:,} channels may go"


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
