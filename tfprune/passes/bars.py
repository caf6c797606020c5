"""Bars of how far long steps are, in a notebook and on a terminal."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from tqdm.std import tqdm

DELAY = 2.0  # seconds after which a bar is worth a look


class Bar:
    """Draws one kind of pass after the other; what takes less than two seconds shows nothing.

    Args:
        what: what is counted or done.
        make: makes a bar, with the arguments of `tqdm`.
    """

    def __init__(self, what: str, make: Callable[..., Any] = tqdm):
        self.what, self.make = what, make
        self._bar: Any = None
        self._done = 0

    def __call__(self, done: int, of: int | None) -> None:
        """Draw that a pass has come so far.

        Args:
            done: steps that are done; not more than before: another pass. 0: it begins.
            of: how many there are; None where that is not known.
        """
        if done <= self._done:
            self.close()
        if self._bar is None:
            self._bar = self.make(total=of, desc=self.what, leave=False, delay=DELAY)
        self._bar.update(done - self._done)
        self._done = done
        if done == of:
            self.close()

    @property
    def goes_on(self) -> bool:
        """Whether a pass has begun and not ended."""
        return self._bar is not None

    def draw(self) -> None:
        """Draw once more how long it takes: the step that goes on may be a long one."""
        if self._bar is not None and self._bar.format_dict["elapsed"] >= DELAY:
            self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._done = None, 0


class OwnBars:
    """Shows a bar for each kind of step in a notebook and on a terminal, and nothing elsewhere."""

    def __init__(self):
        self._bars: dict[str, Bar] = {}

    def hear(self, what: str, done: int, of: int | None, left: float | None = None) -> None:
        """Show that a pass has come so far.

        Args:
            what: what is counted: a step of one kind may consist of passes of another.
            done: as for `Bar`.
            of: as for `Bar`.
            left: seconds; tqdm finds them itself.
        """
        del left
        if somebody_looks():
            if what not in self._bars:
                self._bars[what] = Bar(what, notebook_tqdm() if in_notebook() else tqdm)
            self._bars[what](done, of)


def somebody_looks() -> bool:
    """Return whether a bar would be seen to move: in a notebook, or on a terminal.

    Example:
        >>> somebody_looks()
        False
    """
    return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def in_notebook() -> bool:
    """Return whether this process answers a notebook.

    Example:
        >>> in_notebook()
        False
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return "IPKernelApp" in getattr(shell, "config", {})


def notebook_tqdm() -> Callable[..., Any]:
    """Return what makes bars in a notebook: of text where it has no widgets."""
    if importlib.util.find_spec("ipywidgets") is None:
        return tqdm
    return importlib.import_module("tqdm.notebook").tqdm
