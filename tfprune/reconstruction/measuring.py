"""The selection of `tfprune.prune` whose amounts are measured."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.reconstruction.sensitivity import sensitivity
from tfprune.selection.parsing import parsed
from tfprune.selection.request import TARGETS

MEASURED = "sensitivity"  # the scope
_OTHERS = (
    "min_channels", "round_to", "input_shape", "table", "runtime", "batch_size", "include",
    "exclude",
)  # fmt: skip


@dataclass(frozen=True)
class Measuring:
    """A selection that is yet to be made, by `tfprune.sensitivity`.

    Args:
        budget: options of `Sensitivity.keep`.
        layers: its patterns of layers.
        samples: what it measures on.
    """

    budget: Mapping[str, Any]
    layers: Mapping[str, Any]
    samples: Any = None

    @classmethod
    def asked(cls, *, scope: str, **options: Any) -> "Measuring":
        """Return the selection that is asked for.

        Args:
            scope: "sensitivity".
            **options: options of `tfprune.select`.

        Raises:
            PruningError: an amount that is not a budget, or an option of a selector.
        """
        given = {name: value for name, value in options.items() if value is not None}
        wrong = [name for name in given if name not in (*TARGETS, *_OTHERS)]
        if wrong or not set(TARGETS) & set(given):
            raise PruningError(
                f"scope={scope!r} measures how much goes of which layer under a budget: give "
                "macs=, params= or latency=, the share that is left; received "
                f"{', '.join(wrong) or 'none'}. With it go {', '.join(_OTHERS)}."
            )
        parsed("ranking", **given)  # refuses values out of range
        layers = {name: given.pop(name) for name in ("include", "exclude") if name in given}
        return cls(given, layers)

    def on(self, samples: Any) -> "Measuring":
        """Return this selection with samples to measure on."""
        return replace(self, samples=samples)

    def check(self, graph: ChannelGraph) -> None:
        """Refuse what a model's graph shows to be impossible, whatever the scores."""
        parsed("ranking", **self.budget, **self.layers).check(graph)

    def choose(
        self, graph: ChannelGraph, scores: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], list[str]]:
        """Return the keep masks, and what a latency came to.

        Args:
            graph: channel graph of the model.
            scores: of its channels; those of pairs of channels say no order.
        """
        found = sensitivity(graph, self.samples, scores, **self.layers)
        return found.chosen(parsed("ranking", **self.budget).request)
