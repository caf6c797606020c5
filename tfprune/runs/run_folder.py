"""One folder per run: who may write into it, and what is finished."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.files import contents, differences, read_json, read_text, remove, sweep, write_text
from tfprune.runs.own_folder import require_equal, share

SETTINGS = "flags.cfg"
SCORING = "scoring"  # what a method keeps that scores for long; it knows what it is of
REPORT = "report.json"
TEXT = "report.txt"
EVENTS = "tensorboard"
_ANEW = "Pass --overwrite to do the run anew, or choose another --save_dir."
_NOT_READ = ("tensorboard", "export", "report")  # by a run that goes on
# All that a run writes; overwriting removes these and nothing else.
_RESULTS = (
    SETTINGS,
    REPORT,
    TEXT,
    "metrics.csv",
    "masks.json",
    "masks.npz",
    "preprocessing.json",
    "checkpoints",
    SCORING,
    "stages",
    EVENTS,
    "export",
    "report",
)


def claim(
    folder: str | os.PathLike, settings: str, *, overwrite: bool = False, resume: bool = True
) -> str:
    """Take a folder for a run, or say that the same run has been there before.

    A run leaves its settings when it begins and its report when it ends, which tells an
    interrupted run from a finished one. One that left nothing but its settings does not count.
    What a killed run was writing is swept away. Of several workers the chief takes the folder,
    and the others receive what an earlier attempt has left there.

    Args:
        folder: the folder; made if it is missing.
        settings: the text that identifies the run, one setting per line.
        overwrite: remove another run's results first; files of other origin stay.
        resume: continue an unfinished run of the same settings; else begin it again.

    Returns:
        "new", "unfinished" (checkpoints may be there) or "finished" (the report is there).

    Raises:
        PruningError: the folder holds another run, other files or damaged ones, or it is a file.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> claim(folder, "--epochs=2"), claim(folder, "--epochs=2")
        ('new', 'unfinished')
    """
    require_equal(settings)
    state = workers.from_chief(lambda: _claimed(Path(folder), settings, overwrite, resume))
    share(folder, leave_out=_NOT_READ)
    return state


def _claimed(folder: Path, settings: str, overwrite: bool, resume: bool) -> str:
    _require_no_file(folder)
    sweep(folder)
    found = contents(folder)
    before = None if overwrite or SETTINGS not in found else read_text(folder / SETTINGS, _ANEW)
    refused = SETTINGS in found and set(found) <= {SETTINGS, SCORING}
    if refused and settings != before:
        found = []  # a run that was refused before it cut anything, for instance a typing error
    if not overwrite and found and settings == before:
        if report_values(folder):
            return "finished"
        if resume:
            return "unfinished"
    elif found and not overwrite:
        raise PruningError(_refusal(folder, found, before, settings))
    if found:
        _clear(folder, found)
    write_text(folder / SETTINGS, settings)
    return "new"


def report_text(folder: str | os.PathLike) -> str:
    """Return the text of a finished run's report."""
    return read_text(Path(folder) / TEXT, _ANEW).rstrip()


def report_values(folder: str | os.PathLike) -> dict[str, Any]:
    """Return a finished run's report as plain values; empty where there is none.

    Example:
        >>> report_values("no such folder")
        {}
    """
    path = Path(folder) / REPORT
    return read_json(path, _ANEW) if path.is_file() else {}


def require_same(folder: str | os.PathLike, wanted: Mapping[str, Any]) -> None:
    """Refuse a finished run whose report says something else than is wanted now.

    Args:
        folder: the run's folder; one without a report is not judged.
        wanted: what the report has to say, by name.

    Raises:
        PruningError: the report says something else.
    """
    found = report_values(folder)
    wrong = {name: found[name] for name in wanted if found.get(name, wanted[name]) != wanted[name]}
    if wrong:
        raise PruningError(
            f"The model in {folder} was made with {wrong}. Expected the same here, received "
            f"{ {name: wanted[name] for name in wrong} }; give the same flags, or another folder."
        )


def _require_no_file(folder: Path) -> None:
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise PruningError(
                f"The folder for the run is a file: {place}. Choose another --save_dir."
            )


def _refusal(folder: Path, found: Sequence[str], before: str | None, settings: str) -> str:
    if before is None:
        what = f"files that are no run of tfprune: {', '.join(found[:5])}"
    else:
        what = f"another run, which differs in {differences(_flags(before), _flags(settings))}"
    return (
        f"The folder {folder} holds {what}. Expected an empty folder or the same run; choose "
        "another --save_dir, or pass --overwrite to replace a run's results."
    )


def _flags(settings: str) -> dict[str, str | bool]:
    """Return {flag: its value} of a flag file, switches as True."""
    parts = (line.partition("=") for line in settings.splitlines())
    return {name: value if equals else True for name, equals, value in parts}


def _clear(folder: Path, found: Sequence[str]) -> None:
    models = [name for name in found if name.endswith(".keras")] if SETTINGS in found else []
    for name in (*models, *_RESULTS):
        remove(folder / name)
