"""What passes over data have found, kept in a folder so that they go on after a kill."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

import keras
import numpy as np

from tfprune.files import read_arrays, remove, write_arrays, write_text
from tfprune.graph.keras_graph import random_states
from tfprune.passes.journal import NOTHING_KEPT, Journal
from tfprune.passes.running_sums import RunningSums, State

_ANEW = "Remove that file and call again: it is made anew."


class Keeper:
    """Keeps arrays, and what the passes that find them have found so far.

    Args:
        folder: where to.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._calls = 0
        self._now: Path | None = None  # of the call that goes on
        self._passes = 0

    def arrays(
        self, model: keras.Model, what: str, find: Callable[[], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Return arrays that were kept before, else those that `find` returns, and keep them.

        Args:
            model: whose weights they follow from: those of others do not count.
            what: they are, likewise, e.g. "scores by 'taylor'".
            find: makes them, by passes over the same data.
        """
        self._calls += 1
        folder = _claimed(self._folder / str(self._calls), model, what)
        path = folder / "found.npz"
        if path.is_file():
            return read_arrays(path, _ANEW)
        self._now, self._passes = folder, 0
        try:
            found = find()
        finally:
            self._now = None
        write_arrays(path, found)
        return found

    def steps(self, model: keras.Model, what: str) -> "Steps":
        """Return where the results of one step after the other are kept.

        Args:
            model: whose weights they follow from: those of others do not count.
            what: they are, likewise.
        """
        self._calls += 1
        return Steps(_claimed(self._folder / str(self._calls), model, what))

    def part(self, name: str, find: Callable[[], dict[str, np.ndarray]]) -> State:
        """Return a part of what the call that goes on finds; else as `arrays`.

        Args:
            name: of the part.
            find: makes it.
        """
        if self._now is None:
            return find()
        path = self._now / f"{name}.npz"
        if not path.is_file():
            found = find()
            write_arrays(path, found)
            return found
        return read_arrays(path, _ANEW)

    def sums(self, name: str) -> RunningSums:
        """Return where a pass of this name keeps the sums of what it finds."""
        return RunningSums(None if self._now is None else self._now / f"{name}_sums.npz")

    def journal(self) -> Journal:
        """Return where the next pass keeps what it finds, part by part."""
        if self._now is None:
            return NOTHING_KEPT
        self._passes += 1
        return Journal(self._now / f"pass_{self._passes}.bin")


class Steps:
    """Results of one step after the other, each in a file of its own once it is there.

    Args:
        folder: of the files; None: nothing is kept.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for find in (lambda: {"sum": np.ones(2)}, lambda: {"sum": np.zeros(2)}):
        ...     print(Steps(folder).result(find)["sum"].tolist())
        [1.0, 1.0]
        [1.0, 1.0]
    """

    def __init__(self, folder: Path | None):
        self._folder, self._done = folder, 0

    def result(self, find: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return what was kept of the next step, else what `find` returns, and keep it."""
        if self._folder is None:
            return find()
        self._done += 1
        path = self._folder / f"step_{self._done}.npz"
        if path.is_file():
            return read_arrays(path, _ANEW)
        found = find()
        write_arrays(path, found)
        return found


def _claimed(folder: Path, model: keras.Model, what: str) -> Path:
    """Return a folder that holds nothing but what follows from these weights."""
    found = hashlib.sha256(what.encode())
    drawn = set(map(id, random_states(model)))  # anew when it is loaded; no score follows from it
    for variable in model.variables:
        if id(variable) not in drawn:
            found.update(np.ascontiguousarray(variable.value.numpy()).tobytes())
    path = folder / "made_from.txt"
    if not path.is_file() or path.read_bytes() != found.hexdigest().encode():
        remove(folder)
        write_text(path, found.hexdigest())
    return folder


# As TensorFlow's strategies: set around a call, so that no criterion has to hand it on.
_KEEPER: ContextVar[Keeper | None] = ContextVar("keeper", default=None)


@contextlib.contextmanager
def keeping(folder: Path) -> Iterator[None]:
    """Let passes within keep what they find, and go on from what is there.

    The same work on the same data, done again after it was killed at any time, ends with the same
    values, and only what was not kept is computed.

    Args:
        folder: where to; made if it is missing. Its owner removes it when what was found is used.

    Example:
        >>> import tempfile
        >>> with keeping(Path(tempfile.mkdtemp()) / "scoring"):
        ...     keeper() is None
        False
    """
    token = _KEEPER.set(Keeper(folder))
    try:
        yield
    finally:
        _KEEPER.reset(token)


def keeper() -> Keeper | None:
    """Return who keeps what passes find now, None for nobody."""
    return _KEEPER.get()


def steps(model: keras.Model, what: Callable[[], str]) -> Steps:
    """Return where the steps that follow from a model's weights keep their results now.

    Args:
        model: as for `Keeper.steps`.
        what: returns what they follow from likewise; only called where something is kept, since
            it may have to look at all samples.
    """
    return Steps(None) if keeper() is None else keeper().steps(model, what())


@contextlib.contextmanager
def journal() -> Iterator[Journal]:
    """Yield where the pass that begins now keeps what it finds."""
    found = NOTHING_KEPT if keeper() is None else keeper().journal()
    try:
        yield found
    finally:
        found.close()


def part(name: str, find: Callable[[], State]) -> State:
    """Return a part of what is found now, which is kept once it is there; see `Keeper.part`."""
    return find() if keeper() is None else keeper().part(name, find)


@contextlib.contextmanager
def sums(name: str) -> Iterator[RunningSums]:
    """Yield where a pass of this name keeps its sums; they go when it ends well."""
    found = RunningSums(None) if keeper() is None else keeper().sums(name)
    yield found
    found.forget()
