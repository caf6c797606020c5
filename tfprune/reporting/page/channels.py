"""The parts of the page that tell of channels: kept, pinned, gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfprune.reporting.page.blocks import Bars, Folded, Note, Table
from tfprune.reporting.page.charts import Strip
from tfprune.texts import escaped

Record = Mapping[str, Any]
_LISTED = 400  # removed channels of a layer that the page names; the table holds all


def kept(record: Record) -> list[Any]:
    """Return a bar per layer, and the table of what each layer costs."""
    layers = record.get("layers", ())
    if not layers:
        return []
    pairs = [(layer["layer"], layer["kept"], layer["channels"]) for layer in layers]
    bars = [(name, stay / whole, f"{stay} of {whole}") for name, stay, whole in pairs]
    columns = ("layer", "kind", "kept", "channels", "free", "parameters_before",
               "parameters_after", "macs_before", "macs_after", "coupled_with")  # fmt: skip
    rows = [[layer[column] for column in columns[:-1]] + ["; ".join(layer["coupled_with"])]
            for layer in layers]  # fmt: skip
    header = [column.replace("_", " ") for column in columns]
    return [Bars(bars), Table("layers", header, rows, folded="What each layer costs")]


def pinned(record: Record) -> list[Any]:
    """Return why channels had to stay."""
    rows = [
        [layer["layer"], layer["channels"] - layer["free"], layer["channels"], layer["pinned"]]
        for layer in record.get("layers", ())
        if layer["pinned"]
    ]
    return [Table("pinned", ["layer", "pinned", "channels", "because"], rows)] if rows else []


def gone(record: Record) -> list[Any]:
    """Return what went of each layer that lost channels, and by which scores."""
    keep, scores = record.get("keep", {}), record.get("scores", {})
    lost = {name: mask for name, mask in keep.items() if not all(mask)}
    if not lost:
        return []
    how = (
        [
            "Each mark is a channel, from the layer's lowest score (left) to its highest: upwards "
            f"kept, downwards gone. Scored by {record.get('method', 'the method')}: the higher, "
            "the more reason to keep it; of similarities between channels it is how far the most "
            "similar other channel is. Channels that several layers share stay or go together."
        ]
        if scores
        else ["The scores are not known: an interrupted run went on from its masks."]
    )
    rows = [
        [name, place, stays, scores[name][place] if name in scores else None]
        for name, mask in keep.items()
        for place, stays in enumerate(mask)
    ]
    parts = [_Scored(name, mask, scores.get(name)) for name, mask in lost.items()]
    return [Note(how), *parts, _FileOnly("channels", ["layer", "channel", "kept", "score"], rows)]


class _FileOnly(Table):
    """A table that is too long for the page."""

    def html(self) -> str:
        return ""


@dataclass(frozen=True)
class _Scored:
    """What went of one layer."""

    layer: str
    mask: Sequence[bool]
    scores: Sequence[float] | None

    def html(self) -> str:
        removed = [place for place, stays in enumerate(self.mask) if not stays]
        if self.scores is not None:
            removed.sort(key=lambda place: (self.scores[place], place))
        strip = "" if self.scores is None else Strip(self.scores, self.mask).html()
        count = f"{len(removed)} of {len(self.mask)} went"
        more = len(removed) - _LISTED
        names = [*map(self._named, removed[:_LISTED])]
        names += [f"and {more:,} more, see channels.csv"] if more > 0 else []
        listed = Folded("Which" if self.scores is None else "Which, with their scores",
                        [Note([", ".join(names)])])  # fmt: skip
        return (
            f"<div class=scored><h3>{escaped(self.layer)}<span>{escaped(count)}"
            f"{escaped(self._range())}</span></h3>{strip}{listed.html()}</div>"
        )

    def _named(self, place: int) -> str:
        return str(place) if self.scores is None else f"{place} ({self.scores[place]:.3g})"

    def _range(self) -> str:
        if self.scores is None:
            return ""
        return f"; scores {min(self.scores):.3g} to {max(self.scores):.3g}"
