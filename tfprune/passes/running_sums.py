"""The sums of a pass whose single results are too large to keep, written now and then."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.files import read_arrays, remove, write_arrays

LEAST = 1.0  # seconds between two writings
SHARE = 20  # so many times what a writing takes lies between two
_MARKS, _ANEW = "marks of the parts", "Remove that file and call again: it is made anew."

State = dict[str, np.ndarray]


class OtherSamplesError(Exception):
    """The data does not begin with the samples that are in the sums."""


class RunningSums:
    """Sums over the first parts of a pass, which need not be computed again after a kill.

    In place of a `tfprune.passes.journal.Journal`; as there a part must hold the same samples.

    Args:
        path: the file, which is replaced by each writing; None: nothing is kept.
        least: seconds between two writings, more where a writing takes long; None: `LEAST`.

    Attributes:
        begun: the sums to go on from, empty where there are none.
        state: returns the sums over all parts of earlier rounds; set by who adds them up.

    Example:
        >>> import tempfile
        >>> path, total = Path(tempfile.mkdtemp()) / "sums.npz", {"x": np.zeros(())}
        >>> first = RunningSums(path, least=0)
        >>> first.state = lambda: total
        >>> for part in (3, 4):
        ...     [found] = first.results(lambda: [part], lambda: [part])
        ...     total["x"] = total["x"] + found
        >>> again = RunningSums(path)
        >>> again.begun["x"].item(), again.results(lambda: [3], lambda: [9])
        (3.0, [None])
    """

    def __init__(self, path: Path | None, least: float | None = None):
        self._path, self._least = path, LEAST if least is None else least
        self._marks: list[int] = []
        self._place, self._next = 0, time.monotonic() + self._least
        self.begun: State = {}
        self.state: Callable[[], State] = dict
        if path is not None and path.is_file():
            self.begun = read_arrays(path, _ANEW)
            self._marks = self.begun.pop(_MARKS).tolist()

    def results(
        self, marks: Callable[[], Iterable[int]], find: Callable[[], list[Any]]
    ) -> list[Any]:
        """Return the result of each part of one round, None where it is in the sums already.

        Args:
            marks: returns the checksum of each part.
            find: computes the results of all of them.

        Raises:
            OtherSamplesError: a part does not hold the samples that are in the sums.
        """
        if self._path is None:
            return find()
        self._write()
        found = list(marks())
        known = self._marks[self._place : self._place + len(found)]
        if found[: len(known)] != known:
            raise OtherSamplesError
        self._place += len(found)
        self._marks += found[len(known) :]
        if len(known) == len(found):
            return [None] * len(found)
        return [None] * len(known) + find()[len(known) :]

    def anew(self) -> "RunningSums":
        """Return what keeps the sums of other samples in the same place."""
        self.forget()
        return RunningSums(self._path, self._least)

    def forget(self) -> None:
        """Remove the file: the sums are used, or of other samples."""
        if self._path is not None:
            remove(self._path)

    def _write(self) -> None:
        """Write the sums, unless that would take more than a small share of the time."""
        begin = time.monotonic()
        if begin < self._next or not 0 < self._place == len(self._marks):
            return
        write_arrays(
            self._path, {**self.state(), _MARKS: np.array(self._marks, np.int64)}, packed=False
        )
        end = time.monotonic()
        self._next = end + max(self._least, SHARE * (end - begin))
