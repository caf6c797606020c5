"""Parse what is asked of a selection: what needs no scores is refused before anything is scored."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import ModuleType
from typing import Any

import numpy as np

from tfprune import plugins
from tfprune.errors import PruningError, unknown
from tfprune.exporting.chosen_formats import require_formats
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.scores import Scores
from tfprune.selection import selectors
from tfprune.selection.aiming import check_latency, within_latency
from tfprune.selection.request import Request
from tfprune.selection.rounding import rounded

SELECTING = [field.name for field in fields(Request) if field.init]


@dataclass(frozen=True)
class Selection:
    """A selection that is yet to be made.

    Args:
        selector: the module that makes it.
        request: how much is to go.
        own: the selector's own options.
    """

    selector: ModuleType
    request: Request
    own: Mapping[str, Any]

    def check(self, graph: ChannelGraph) -> None:
        """Refuse what a model's graph shows to be impossible, whatever the scores.

        Args:
            graph: channel graph of the model.

        Raises:
            PruningError: a pattern that matches no layer, an unknown layer, an option that the
                selector cannot obey, or that no channel may go.
        """
        self.request.pruned_layers(graph)
        if self.request.amount == "latency":
            check_latency(graph, self.request)
        if self.request.rounds_by_time:
            require_formats(graph.model, [self.request.runtime])
        if hasattr(self.selector, "check"):
            self.selector.check(graph, self.request, **self.own)

    def choose(
        self, graph: ChannelGraph, scores: Scores
    ) -> tuple[dict[str, np.ndarray], list[str]]:
        """Return the keep masks, and a line for each guard of the method that held.

        A line tells, too, what `include` names and the criterion does not score.

        Args:
            graph: channel graph of the model, which `check` did not refuse.
            scores: {layer: float64 [C]}, or what the selector takes.

        Raises:
            PruningError: as `tfprune.select`.
        """
        keep, notes = self._chosen(graph, scores)
        named = self.request.pruned_layers(graph) if self.request.include else set()
        whole = [name for name in keep if name in named - set(scores)
                 and keep[name].all() and graph.free(name).any()]  # fmt: skip
        line = f"left whole, for {scores.criterion!r} does not score them: {', '.join(whole)}"
        return keep, [*notes, line] if whole else notes

    def _chosen(
        self, graph: ChannelGraph, scores: Scores
    ) -> tuple[dict[str, np.ndarray], list[str]]:
        def masks(request: Request) -> tuple[dict[str, np.ndarray], list[str]]:
            return self.selector.keep_masks(graph, scores, request, **self.own)

        if self.request.rounds_by_time:
            return rounded(graph, self.request, masks)
        if self.request.amount != "latency":
            return masks(self.request)
        rounds = not getattr(self.selector, "OF_PAIRS", False)
        return within_latency(graph, self.request, masks, rounds=rounds)

    def at(self, **amount: float) -> "Selection":
        """Return the same selection with another value of its amount, e.g. `ratio=0.3`."""
        return replace(self, request=replace(self.request, **amount))


def parsed(
    selector: str,
    *,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    **options: Any,
) -> Selection:
    """Return the selection that is asked for, checked as far as that needs no model.

    Args:
        selector: the selector's name.
        include: as for `tfprune.select`.
        exclude: as for `tfprune.select`.
        **options: the other options of `tfprune.select`, the selector's own among them.

    Raises:
        PruningError: an unknown option, none or several amounts, or a value out of range.

    Example:
        >>> parsed("ranking", ratio=0.5, exclude="stem*").request.exclude
        ('stem*',)
    """
    module = plugins.find(selectors, selector, "selector")
    own = {name: value for name, value in options.items() if name not in SELECTING}
    for name in own:
        if name not in selector_options(module):
            valid = [*selector_options(module), *SELECTING]
            raise unknown(f"option of select with selector {selector!r}", name, valid)
    given = {name: value for name, value in options.items() if name in SELECTING}
    request = Request(**given, include=_patterns(include), exclude=_patterns(exclude))
    return Selection(module, request, own)


def selector_options(module: ModuleType) -> list[str]:
    """Return the names of a selector's own options: what follows its request."""
    return list(inspect.signature(module.keep_masks).parameters)[3:]


def _patterns(value: str | Sequence[str]) -> tuple[str, ...]:
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, Iterable) or not all(isinstance(x, str) for x in patterns):
        raise PruningError(
            f"Expected patterns of layer names such as 'stage1*', received {value!r}."
        )
    return tuple(patterns)
