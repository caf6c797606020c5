"""A run's record as flat names and values, as TensorBoard and MLflow want them."""

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

# What was asked for.
ASKED = (
    "arch", "data", "normalisation", "seed", "method", "samples", "amount", "options", "schedule",
    "settings", "recalibration", "reconstruction", "passes",
)  # fmt: skip
# What has a form of its own.
_TABLES = (
    "layers",
    "keep",
    "scores",
    "training",
    "channels",
    "observations",
    "flags",
    "environment",
)


def settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run was asked for: text, numbers and truth values by name.

    Args:
        record: what `report.json` holds.

    Example:
        >>> settings({"method": "l1", "amount": {"ratio": 0.5}, "before": {"macs": 8}})
        {'method': 'l1', 'amount/ratio': 0.5}
    """
    found = _flat("", {name: record[name] for name in ASKED if name in record})
    return {name: x if isinstance(x, str | Real) else str(x) for name, x in found if x is not None}


def figures(record: Mapping[str, Any]) -> dict[str, float]:
    """Return what came out: every number of a record by name, but those of its tables.

    Args:
        record: what `report.json` holds.

    Example:
        >>> figures({"method": "l1", "before": {"results": {"loss": 0.5}}, "layers": [{"kept": 2}]})
        {'before/results/loss': 0.5}
    """
    rest = {name: x for name, x in record.items() if name not in (*ASKED, *_TABLES)}
    found = _flat("", rest)
    return {name: float(x) for name, x in found if isinstance(x, Real) and not isinstance(x, bool)}


def _flat(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, inner in value.items():
        yield from _flat(f"{path}/{name}" if path else str(name), inner)
