"""Composite layers that the user wants left whole."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from tfprune.errors import PruningError


class Closed:
    """Tells which layers are left whole by name, and remembers which patterns were of use.

    Args:
        patterns: of names in the opened model, such as `"block_*.mixer"`.
    """

    def __init__(self, patterns: Sequence[str]):
        self.patterns, self.used = patterns, set()

    def __call__(self, name: str) -> bool:
        """Return whether a layer is left whole."""
        found = [pattern for pattern in self.patterns if fnmatchcase(name, pattern)]
        self.used.update(found)
        return bool(found)

    def require_used(self) -> None:
        """Refuse a pattern that matches no composite layer."""
        for pattern in self.patterns:
            if pattern not in self.used:
                raise PruningError(
                    f"keep: pattern {pattern!r} matches no composite layer of the model. Name one "
                    "as the opened model does, such as 'block_3.attention'."
                )
