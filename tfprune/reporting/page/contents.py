"""What stands on the page, in the order to read it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfprune import tasks
from tfprune.reporting.page import channels, figures
from tfprune.reporting.page.blocks import Folded, Note, Table
from tfprune.reporting.page.exported import exported
from tfprune.texts import readable

Record = Mapping[str, Any]
_ASKED = (
    "method", "amount", "options", "schedule", "settings", "samples", "recalibration",
    "reconstruction", "passes", "baseline", "arch", "data", "normalisation", "training_images",
    "seed", "best_epoch",
)  # fmt: skip
_CALLED = {
    "samples": "images the method looked at",
    "recalibration": "batches for recalibration",
    "reconstruction": "images for reconstruction",
    "passes": "passes over all weights",
    "training_images": "fingerprint of the training images",
}
_WITHOUT = {"samples": "all", "recalibration": "none", "reconstruction": "none", "passes": "none"}
_STAGES = {
    "before_fine_tuning": "after the cut",
    "after_recalibration": "after recalibration",
    "after_reconstruction": "after reconstruction",
}


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        title: its heading.
        blocks: what is in it: tables, bars, charts, notes.
    """

    title: str
    blocks: Sequence[Any]

    @property
    def tables(self) -> list[Table]:
        """The tables that are also files."""
        inside = [b for block in self.blocks for b in getattr(block, "blocks", [block])]
        return [block for block in inside if isinstance(block, Table) and block.name]


def sections(record: Record) -> list[Section]:
    """Return the parts of a page; what a record does not hold is left out.

    Args:
        record: plain values, as a run writes them into `report/report.json`.

    Example:
        >>> [section.title for section in sections({"method": "l1", "seed": 3})]
        ['What was asked']
    """
    made = {
        "Worth knowing": _warnings(record),
        "Before and after": figures.comparison(record),
        "After each stage": figures.stages(record, _STAGES),
        "Channels kept": channels.kept(record),
        "What could not go": channels.pinned(record),
        "Which channels went": channels.gone(record),
        "Training": figures.training(record),
        "Exported": exported(record),
        "Proof": list(_proof(record)),
        "What was asked": _asked(record),
        "Where it ran": _environment(record),
    }
    return [Section(title, blocks) for title, blocks in made.items() if blocks]


def warnings(record: Record) -> list[str]:
    """Return what a reader should know before the figures.

    Example:
        >>> warnings({"observations": ["nothing is removed"]})
        ['nothing is removed']
    """
    found = list(record.get("observations", ()))
    for cut, proof in record.get("verification", {}).items():
        if not proof["effect"] > proof["tolerance"]:
            found.append(f"{cut}: no proof, since pruning changed no output of the samples tried")
        found += [f"{cut}: inexact, {why}" for why in proof["inexact"]]
    if "before" in record and record.get("best_epoch") is None:
        found.append("No epoch was chosen on a validation split: the last weights are reported.")
    return found


def _warnings(record: Record) -> list[Any]:
    found = warnings(record)
    return [Note(found, "warning")] if found else []


def _proof(record: Record) -> Iterator[Any]:
    proofs = record.get("verification")
    if not proofs:
        return
    yield Note(
        [
            "The smaller model is compared with the original whose removed channels are masked, "
            "before a last softmax. Equal: the difference is within the tolerance. The effect says "
            "by how much the outputs would differ, had nothing been removed."
        ]
    )
    columns = ("exact", "difference", "scale", "effect", "tolerance", "dtype")
    rows = [[cut, *(proof[column] for column in columns)] for cut, proof in proofs.items()]
    # A phone shows the first columns of a wide table: the answer comes before its numbers.
    yield Table("proof", ["cut", "equal", *columns[1:]], rows)


def _asked(record: Record) -> list[Any]:
    rows = [
        [_CALLED.get(name, name.replace("_", " ")), _spelled(name, record[name])]
        for name in _ASKED
        if record.get(name) not in (None, {}, [], "")
    ]
    blocks: list[Any] = [Table("asked", ["what", "value"], rows)] if rows else []
    if record.get("flags"):
        note = Note(record["flags"].splitlines(), "code")
        blocks.append(Folded("All settings: the flag file that repeats the run", [note]))
    return blocks


def _spelled(name: str, value: Any) -> str:
    return _WITHOUT[name] if name in _WITHOUT and value == 0 else readable(value)


def _environment(record: Record) -> list[Any]:
    found = dict(record.get("environment", {}))
    versions = found.pop("versions", {})
    rows = [[name, readable(value)] for name, value in {**versions, **found}.items()]
    seconds = {f"seconds to {stage}": value for stage, value in record.get("seconds", {}).items()}
    rows += [[name, readable(value)] for name, value in seconds.items()]
    return [Table("environment", ["what", "value"], rows)] if rows else []


def headline(record: Record) -> str | None:
    """Return the name of the figure that both models are judged by first; None: there is none."""
    results = record.get("before", {}).get("results")
    return tasks.headline(results) if results else None
