"""The file of a pruning report: arrays, and all else as JSON; no code is run from it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.files import environment, read_arrays, write_arrays
from tfprune.scoring.scores import Scores
from tfprune.surgery.verification import Verification

# The fields of a report that JSON holds as they are.
PLAIN = ("method", "params", "seconds", "observations", "settings", "original")
_FORMER = {"observations": "remarks"}  # what a field was called in files of earlier versions
_REMEDY = "Save the report again with `report.save(path)`."


def write_report(
    path: str | os.PathLike,
    values: Mapping[str, Any],
    keep: Mapping[str, np.ndarray],
    scores: Scores,
    verification: Verification,
) -> None:
    """Write a report's fields to one file.

    Args:
        path: the file, `.npz`.
        values: the plain fields.
        keep: {layer name: bool [C], True = kept}.
        scores: what the channels were ranked by; a number per channel is kept of them.
        verification: the comparison with the masked original.
    """
    about_scores = {name: x for name, x in asdict(scores).items() if name != "by_layer"}
    parts = {
        **values, "verification": asdict(verification), "scores": about_scores,
        "versions": environment()["versions"],
    }  # fmt: skip
    arrays = {f"keep/{name}": mask for name, mask in keep.items()}
    arrays |= {f"scores/{name}": x for name, x in scores.by_channel().items()}
    write_arrays(path, {"report": np.array(json.dumps(parts, default=_plain)), **arrays})


def read_report(path: str | os.PathLike) -> dict[str, Any]:
    """Return a report's fields by name.

    Args:
        path: the file.

    Raises:
        PruningError: there is no such file, or it is damaged, or it is not a report.
    """
    arrays = read_arrays(path, _REMEDY)
    try:
        return _fields(json.loads(str(arrays.pop("report"))), arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise PruningError(
            f"{path} is not a pruning report: {type(error).__name__}: {error}. {_REMEDY}"
        ) from error


def _fields(parts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    plain = {x: parts[x] if x in parts else parts[_FORMER.get(x, x)] for x in PLAIN}
    for name in ("params", "observations"):
        plain[name] = tuple(plain[name])
    proof = {**parts["verification"], "inexact": tuple(parts["verification"]["inexact"])}
    return {
        **plain,
        "keep": {name: mask.astype(bool) for name, mask in _part(arrays, "keep/")},
        "scores": Scores(by_layer=dict(_part(arrays, "scores/")), **parts["scores"]),
        "verification": Verification(**proof),
    }


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> list[tuple[str, np.ndarray]]:
    return [(name[len(prefix) :], x) for name, x in arrays.items() if name.startswith(prefix)]


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's, and by its name or text what JSON cannot hold."""
    return value.item() if isinstance(value, np.generic) else getattr(value, "__name__", str(value))
