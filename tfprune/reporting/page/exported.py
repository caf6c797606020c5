"""The part of the page that tells of files for serving."""

from collections.abc import Mapping
from typing import Any

from tfprune.reporting.page.blocks import Note, Table
from tfprune.texts import Share

_ABOUT = (
    "Each file was loaded again in its own runtime and compared with the pruned model: the largest "
    "difference of an output, as a share of the largest value, and the share of the samples of "
    "which both say the same class. On the test split: the accuracy of a file of integers."
)


def exported(record: Mapping[str, Any]) -> list[Any]:
    """Return the table of the exported files; nothing where there is none.

    Args:
        record: as for `sections`.
    """
    found = record.get("exported")
    if not found:
        return []
    # Of formats that store integers alone.
    tested = any(each.get("test_accuracy") is not None for each in found.values())
    header = ["format", "bytes", *(["test split"] if tested else []), "same class", "difference"]
    rows = [
        [name, each["bytes"], *([_share(each.get("test_accuracy"))] if tested else []),
         _share(each["agreement"]), each["difference"], each["samples"]]
        for name, each in found.items()
    ]  # fmt: skip
    return [Note([_ABOUT]), Table("exported", [*header, "samples"], rows)]


def _share(value: float | None) -> Share | None:
    return None if value is None else Share(value)
