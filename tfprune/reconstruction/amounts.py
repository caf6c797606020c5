"""What shrinking each set of coupled channels costs a model, and the best use of a budget."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfprune.costs.timing.table import LatencyTable
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.reconstruction.allotment import Allotment
from tfprune.selection.aiming import check_latency, hit, within_latency
from tfprune.selection.parsing import parsed
from tfprune.selection.request import TARGETS, Request
from tfprune.selection.rounding import rounded

Masks = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Curve:
    """One set of coupled channels: in which order they go, and what that does.

    Args:
        layers: names of the layers that make them.
        units: int [U], units in the order in which they go.
        harm: float64 [U + 1], change of the model's outputs when the first k of them are gone and
            all that reads them has answered, as a share of the outputs' variance; never falling.
    """

    layers: tuple[str, ...]
    units: np.ndarray
    harm: np.ndarray


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What it costs a model to shrink each set of coupled channels.

    Args:
        graph: channel graph of the model.
        curves: of each set.
    """

    graph: ChannelGraph
    curves: tuple[Curve, ...]

    def keep(  # noqa: PLR0913 - as `tfprune.select`
        self,
        *,
        macs: float | None = None,
        params: float | None = None,
        latency: float | None = None,
        min_channels: int = 1,
        round_to: int | None = None,
        input_shape: Sequence[Any] | None = None,
        table: LatencyTable | str | os.PathLike | None = None,
        runtime: str | None = None,
        batch_size: int | None = None,
    ) -> dict[str, np.ndarray]:
        """Return the keep masks of least harm in all under a budget.

        The harms of the sets are added up; a Lagrange multiplier weighs them against the cost,
        which no set has by itself, so that the sets are settled in turns until none changes.

        Args:
            macs: share of the multiply-accumulates that is left, in (0, 1]; or
            params: share of the weights that is left; or
            latency: share of a batch's time that is left, as for `tfprune.select`.
            min_channels: channels that every layer keeps at least.
            round_to: a layer that loses channels keeps a multiple of this; as for
                `tfprune.select`.
            input_shape: the size to count `macs` for, as for `tfprune.select`.
            table: measured times for `latency`, as for `tfprune.select`.
            runtime: as for `tfprune.select`.
            batch_size: as for `tfprune.select`.

        Returns:
            {layer name: bool [C], True = kept}.

        Raises:
            PruningError: none or several of the amounts, a value out of range, or out of reach.
        """
        request = requested(
            macs=macs,
            params=params,
            latency=latency,
            min_channels=min_channels,
            round_to=round_to,
            input_shape=input_shape,
            table=table,
            runtime=runtime,
            batch_size=batch_size,
        )
        return self.chosen(request)[0]

    def chosen(self, request: Request) -> tuple[Masks, list[str]]:
        """Return the masks of `keep`, and a line on what a latency came to.

        Args:
            request: for a share of "macs", "params" or "latency".
        """
        if request.amount == "latency":
            check_latency(self.graph, request)
            return within_latency(self.graph, request, self._allotted)
        if request.rounds_by_time:
            return rounded(self.graph, request, self._allotted)
        return self._allotted(request)

    def alike(self, request: Request) -> tuple[Masks, Callable[[Sequence[float]], Masks]]:
        """Return the masks of `keep`, and what gives those of weighted harms at the same cost.

        Nothing is measured for the latter: they take the time that the table predicts for the
        masks of `keep`, which were measured to meet the share.

        Args:
            request: as for `chosen`, a latency's with its table.
        """
        if request.amount != "latency":
            return self.chosen(request)[0], lambda factors: self.weighted(factors).chosen(request)[
                0
            ]
        found, _ = hit(self.graph, request, self._allotted)
        return found.keep, lambda factors: self.weighted(factors)._allotted(found.request)[0]

    def _allotted(self, request: Request) -> tuple[Masks, list[str]]:
        allotment = Allotment(self.graph, self.curves, request)
        return self.graph.masks(allotment.gone(allotment.best())), []

    def weighted(self, factors: Sequence[float]) -> "Sensitivity":
        """Return the same with the harm of each set times a factor: `keep` will spare it more.

        Args:
            factors: positive numbers, one per set, in the order of `curves`.
        """
        pairs = zip(self.curves, factors, strict=True)
        return Sensitivity(self.graph, tuple(replace(c, harm=c.harm * f) for c, f in pairs))

    def __repr__(self) -> str:
        return f"<Sensitivity of {self.graph.model.name!r}: {len(self.curves)} sets of channels>"


def requested(**options: Any) -> Request:
    """Return what is asked of `Sensitivity.keep`, checked.

    Args:
        **options: as for `Sensitivity.keep`.

    Raises:
        PruningError: none or several of the amounts, an unknown option, or a value out of range.

    Example:
        >>> requested(macs=0.5, latency=None).amount
        'macs'
    """
    amounts = {name: options.get(name) for name in TARGETS}
    if sum(amount is not None for amount in amounts.values()) != 1:
        received = [f"{name}={amount}" for name, amount in amounts.items()]
        raise PruningError(
            "keep: expected one of macs=, params= and latency=, the share that is left; "
            f"received {', '.join(received[:-1])} and {received[-1]}."
        )
    return parsed("ranking", **options).request
