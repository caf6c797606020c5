"""Aim at a latency: choose by the table, measure the whole model, and correct the aim."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property

import numpy as np

from tfprune.costs.timing.blocks import blocks
from tfprune.costs.timing.layer_times import GRANULARITIES
from tfprune.costs.timing.measuring import of_runners
from tfprune.costs.timing.runners import Runner
from tfprune.costs.timing.table import LatencyTable, Setting
from tfprune.costs.timing.tabulating import latency_table
from tfprune.errors import PruningError
from tfprune.exporting.writing import require_formats
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.selection._budget import budget_of, sized
from tfprune.selection.request import Request
from tfprune.surgery.masks import kept_ids
from tfprune.surgery.rebuilding import rebuild

Masks = dict[str, np.ndarray]
Choose = Callable[[Request], tuple[Masks, list[str]]]
_TRIES = 6
_ENOUGH, _MISSED = 0.02, 0.05  # relative distances to the share: no further try, and refused


def check_latency(graph: ChannelGraph, request: Request) -> None:
    """Refuse a latency that cannot be measured, before anything is scored.

    Args:
        graph: channel graph of the model.
        request: with a latency.

    Raises:
        PruningError: maps of unknown size, an unknown runtime or one that cannot hold the model,
            no table in the file, or one of another model.
    """
    graph = graph if request.input_shape is None else sized(graph, request.input_shape)
    if request.table is not None:
        read(request.table).require_fit(graph)
        return
    blocks(graph)
    require_formats(graph.model, [request.runtime or "keras"])


def read(table: LatencyTable | str | os.PathLike) -> LatencyTable:
    """Return a table, from its file if that is what is given."""
    return table if isinstance(table, LatencyTable) else LatencyTable.load(table)


def within_latency(
    graph: ChannelGraph, request: Request, choose: Choose, *, rounds: bool = True
) -> tuple[Masks, list[str]]:
    """Return the masks whose model takes the share of the time that is asked for, and notes.

    Without `round_to`, widths are rounded to what keeps most weights at the same predicted time, of
    near equals to the coarsest. On
    the device of the table the whole model is measured by turns with the original, and the aim
    corrected by what was missed; elsewhere the prediction has to do.

    Args:
        graph: channel graph of the model.
        request: with a latency.
        choose: returns masks and notes for a request with a table and a rounding.
        rounds: whether `choose` can round.

    Raises:
        PruningError: a share that cannot be reached, or that was missed by more than 5 % of it.
    """
    shown = graph if request.input_shape is None else sized(graph, request.input_shape)
    setting = (request.runtime or "keras", request.batch_size or 1)
    table = latency_table(shown, *setting) if request.table is None else read(request.table)
    table.require_fit(shown)
    request = replace(request, table=table, runtime=None, batch_size=None)
    if request.round_to is None:
        request = replace(request, round_to=_fastest(graph, request, choose) if rounds else 1)
    told = f"widths are multiples of {request.round_to}"
    if not table.setting.is_here:
        keep, notes = choose(request)
        where = table.setting.device.get("processor") or table.setting.device.get("machine")
        note = f"latency={request.latency}: predicted for {where}, not measured; {told}"
        return keep, [*notes, note]
    with Original(shown, table.setting) as original:
        tries = _tries(graph, original, request, choose)
        distance, share, keep, notes = min(tries, key=lambda found: found[0])
    _require_hit(request, distance, share)
    one = table.setting
    where = f"measured in {one.runtime}, batch of {one.batch_size}"
    note = f"latency={request.latency}: {share:.3f} of the original's, {where}; {told}"
    return keep, [*notes, note]


def _fastest(graph: ChannelGraph, request: Request, choose: Choose) -> int:
    """Return the rounding that leaves most weights in the predicted time."""
    weights = budget_of(graph, Request(params=1.0))
    worth: dict[int, float] = {}
    refusal = None
    for size in GRANULARITIES[::-1]:
        rounded = replace(request, round_to=size)
        try:
            kept = kept_ids(graph, choose(rounded)[0])
        except PruningError as error:  # so coarse that the share is out of reach
            refusal = error
            continue
        worth[size] = weights(kept) / budget_of(graph, rounded)(kept)
    if not worth:
        raise refusal
    best = max(worth.values())
    return max(size for size, found in worth.items() if found >= (1 - _ENOUGH) * best)


def _tries(
    graph: ChannelGraph, original: "Original", request: Request, choose: Choose
) -> Iterator[tuple[float, float, Masks, list[str]]]:
    """Yield (relative distance to the share, measured share, masks, notes), one for each aim."""
    aim, seen = request.latency, []
    for _ in range(_TRIES):
        try:
            keep, notes = choose(replace(request, latency=aim))
        except PruningError:
            if not seen:
                raise
            return  # the correction leads beyond what can go
        chosen = kept_ids(graph, keep)
        if any((chosen == before).all() for before in seen):
            return
        seen.append(chosen)
        share = original.share_of(keep)
        distance = abs(share / request.latency - 1)
        yield distance, share, keep, notes
        if distance <= _ENOUGH or chosen.all():
            return
        aim = min(1.0, aim * request.latency / share)


class Original(ExitStack):
    """The whole model in its runtime, for smaller ones to be timed against.

    Args:
        graph: its channel graph.
        setting: where and how it is timed.
    """

    def __init__(self, graph: ChannelGraph, setting: Setting):
        super().__init__()
        self.graph, self.setting = graph, setting

    @cached_property
    def runner(self) -> Runner:
        """The model, made ready once for all tries."""
        one = self.setting
        return self.enter_context(Runner(self.graph.model, one.runtime, one.threads))

    def share_of(self, keep: Masks) -> float:
        """Return a smaller model's time as a share of the original's, measured by turns.

        Args:
            keep: its masks.
        """
        one = self.setting
        with Runner(rebuild(self.graph, keep), one.runtime, one.threads) as small:
            runners = (self.runner, small)
            before, after = of_runners(runners, one.batch_size, clock=one.clock)
        return after.seconds / before.seconds


def _require_hit(request: Request, distance: float, share: float) -> None:
    if share >= 1 > request.latency or distance > _MISSED:
        rounded = "" if request.round_to > 1 else " leave round_to out,"
        raise PruningError(
            f"latency={request.latency} was missed: of the original's time the nearest model takes "
            f"{share:.3f}, measured. Ask for another share,{rounded} measure on a machine "
            "with nothing else to do, or use a larger batch_size."
        )
