"""What became of every tensor of a checkpoint and of every variable of a model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Shape = tuple[int, ...]
_LISTED = 10


@dataclass(frozen=True)
class WeightsReport:
    """How a checkpoint and a model match; every tensor and variable is in one place.

    Args:
        layout: name of the layout.
        loaded: {tensor: variable} of what was taken over.
        missing: {variable: what was looked for}; such a variable keeps its value.
        misshapen: {tensor: expected and received shape}; its variable keeps its value.
        unused: {tensor: shape} of what no variable wants.
        ignored: {tensor: reason} of what has no counterpart on purpose.

    Example:
        >>> report = WeightsReport("torchvision_resnet", {"fc.bias": "classifier/bias"})
        >>> report.complete
        True
        >>> print(report)
        layout torchvision_resnet: 1 loaded, 0 ignored, 0 missing, 0 of wrong shape, 0 left over
          fc.bias  classifier/bias
    """

    layout: str
    loaded: Mapping[str, str]
    missing: Mapping[str, str] = field(default_factory=dict)
    misshapen: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, Shape] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every variable has its tensor, and every tensor its variable."""
        return not (self.missing or self.misshapen or self.unused)

    def to_json(self) -> dict[str, Any]:
        """Return the report as texts, lists and dicts."""
        return asdict(self) | {"complete": self.complete}

    def problems(self, most: int | None = _LISTED) -> str:
        """Return what does not match, one line each.

        Args:
            most: number of lines of each kind; None: all.
        """
        parts = {
            "missing": [f"{variable}: no {what}" for variable, what in self.missing.items()],
            "wrong shape": [f"{name}: {what}" for name, what in self.misshapen.items()],
            "left over": [f"{name} {shape}" for name, shape in self.unused.items()],
        }
        return "\n".join(_part(title, lines, most) for title, lines in parts.items() if lines)

    def summary(self) -> str:
        """Return the counts in one line."""
        parts = {
            "loaded": self.loaded,
            "ignored": self.ignored,
            "missing": self.missing,
            "of wrong shape": self.misshapen,
            "left over": self.unused,
        }
        counts = ", ".join(f"{len(part)} {what}" for what, part in parts.items())
        return f"layout {self.layout}: {counts}"

    def __str__(self) -> str:
        width = max((len(name) for name in self.loaded), default=0)
        lines = [f"  {name:<{width}}  {variable}" for name, variable in self.loaded.items()]
        ignored = [f"{name}: {reason}" for name, reason in self.ignored.items()]
        parts = [self.summary(), *lines, self.problems(None)]
        parts += [_part("ignored", ignored, None)] if ignored else []
        return "\n".join(part for part in parts if part)


def _part(title: str, lines: list[str], most: int | None) -> str:
    shown = [f"  {line}" for line in lines[:most]]
    if len(shown) < len(lines):
        shown.append(f"  ... and {len(lines) - len(shown)} more")
    return "\n".join([f"{title} ({len(lines)}):", *shown])
