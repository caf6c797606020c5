"""Aim at a latency: choose by the table, measure the whole model, and correct the aim."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tfprune.costs.timing.blocks import blocks
from tfprune.costs.timing.layer_times import GRANULARITIES, coarsest_of_best
from tfprune.costs.timing.runners import Runner
from tfprune.costs.timing.shares import time_share
from tfprune.costs.timing.table import LatencyTable, Setting
from tfprune.costs.timing.tabulating import latency_table
from tfprune.errors import PruningError
from tfprune.exporting.chosen_formats import require_formats
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.selection._budget import OutOfReachError, budget_of, sized
from tfprune.selection.aims import Aims
from tfprune.selection.request import Request
from tfprune.surgery.masks import kept_ids
from tfprune.surgery.rebuilding import rebuild

Masks = dict[str, np.ndarray]
Choose = Callable[[Request], tuple[Masks, list[str]]]
_TRIES = 8
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
    graph = _shown(graph, request)
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
    near equals to the coarsest. On the device of the table the whole model is measured by turns
    with the original, and the aim corrected until the share is met, with finer widths if need be;
    elsewhere the prediction has to do.

    Args:
        graph: channel graph of the model.
        request: with a latency.
        choose: returns masks and notes for a request with a table and a rounding.
        rounds: whether `choose` can round.

    Raises:
        PruningError: a share that cannot be reached, or that was missed by more than 5 % of it.
    """
    found, note = hit(graph, tabled(graph, request), choose, rounds=rounds)
    return found.keep, [*found.notes, note]


def tabled(graph: ChannelGraph, request: Request) -> Request:
    """Return a request for a latency with its table, which is measured if there is none.

    Args:
        graph: channel graph of the model.
        request: with a latency.

    Raises:
        PruningError: no table in the file, or one of another model.
    """
    shown = _shown(graph, request)
    setting = (request.runtime or "keras", request.batch_size or 1)
    table = latency_table(shown, *setting) if request.table is None else read(request.table)
    table.require_fit(shown)
    return replace(request, table=table, runtime=None, batch_size=None)


def hit(
    graph: ChannelGraph, request: Request, choose: Choose, *, rounds: bool = True
) -> tuple["Try", str]:
    """Return the choice of `within_latency`, and a note on its time.

    Args:
        graph: as for `within_latency`.
        request: with a latency and its table, from `tabled`.
        choose: as for `within_latency`.
        rounds: as for `within_latency`.
    """
    sizes = [request.round_to or 1]
    if rounds and request.round_to is None:
        sizes = _by_worth(graph, request, choose)
    one = request.table.setting
    if one.is_here:
        with Original(_shown(graph, request), one) as original:
            requests = [replace(request, round_to=x) for x in sizes]
            found = _first_hit(graph, original, requests, choose)
        _require_hit(request, found)
        where = f"measured in {one.runtime}, batch of {one.batch_size}"
    else:
        rounded = replace(request, round_to=sizes[0])
        keep, notes = choose(rounded)
        share = _predicted(graph, request, keep)
        found = Try(keep, notes, rounded, share, _distance(request, share), None)
        _require_hit(request, found, how="predicted")
        device = one.device.get("processor") or one.device.get("machine")
        where = f"predicted for {device}, not measured"
    told = f"{found.share:.3f} of the original's, {where}; widths are multiples of {found.round_to}"
    return found, f"latency={request.latency}: {told}"


def _shown(graph: ChannelGraph, request: Request) -> ChannelGraph:
    return graph if request.input_shape is None else sized(graph, request.input_shape)


def _predicted(graph: ChannelGraph, request: Request, keep: Masks) -> float:
    """Return the share of the original's time that the table predicts."""
    return budget_of(graph, request).left(kept_ids(graph, keep))


def _distance(request: Request, share: float) -> float:
    return abs(share / request.latency - 1)


def _by_worth(graph: ChannelGraph, request: Request, choose: Choose) -> list[int]:
    """Return the roundings, first the one that leaves most weights in the predicted time.

    After it come the finer ones, for what steps so coarse miss. One that by the table itself misses
    the share comes after those that do not, whatever it leaves. Where the table says that none
    reaches the share, the one comes first that gets lowest: the whole model may be faster.
    """
    weights = budget_of(graph, Request(params=1.0))
    worth: dict[int, float] = {}
    near: dict[int, float] = {}
    beyond: dict[int, float] = {}
    for size in GRANULARITIES:
        rounded = replace(request, round_to=size)
        try:
            keep, _ = choose(rounded)
            share = _predicted(graph, rounded, keep)
            worth[size] = weights(kept_ids(graph, keep)) / share
            if _distance(request, share) <= _MISSED:
                near[size] = worth[size]
        except OutOfReachError as error:
            beyond[size] = error.least
    if not worth:
        least = min(beyond.values())
        first = next(size for size, left in beyond.items() if left <= (1 + _ENOUGH) * least)
        return [size for size in beyond if size <= first]
    first = coarsest_of_best(near or worth)
    return [size for size in worth if size <= first]


def _first_hit(
    graph: ChannelGraph, original: "Original", requests: Sequence[Request], choose: Choose
) -> "Try":
    """Return the nearest try of the first request that is met, or of all if none is.

    Raises:
        OutOfReachError: whatever goes, the table predicts no gain.
    """
    found: list[Try] = []
    refused: list[OutOfReachError] = []
    for request in requests:
        try:
            found.extend(_tries(graph, original, request, choose))
        except OutOfReachError as error:  # so coarse, or so odd, that it is slower at any width
            refused.append(error)
        if any(one.distance <= _ENOUGH for one in found):
            break
    if not found:
        raise refused[0]
    return min(found, key=lambda one: one.distance)


@dataclass(frozen=True, eq=False)
class Try:
    """A choice whose model was measured.

    Args:
        keep: its masks.
        notes: of its selector.
        request: what its selector was asked for: the aim, and what widths are multiples of.
        share: of the original's time.
        distance: of that to the share that is asked for, relative.
        refusal: what the table said where it held the aim to be out of reach.
    """

    keep: Masks
    notes: list[str]
    request: Request
    share: float
    distance: float
    refusal: OutOfReachError | None

    @property
    def round_to(self) -> int:
        """What its widths are multiples of."""
        return self.request.round_to


def _tries(
    graph: ChannelGraph, original: "Original", request: Request, choose: Choose
) -> Iterator[Try]:
    """Yield one choice for each aim, which the measured share of the one before corrects."""
    aim, seen = request.latency, []
    aims = Aims(request.latency)
    for _ in range(_TRIES):
        keep, notes, aim, refusal = _at(request, aim, choose)
        chosen = kept_ids(graph, keep)
        if any((chosen == before).all() for before in seen):
            return
        seen.append(chosen)
        share = original.share_of(keep)
        if _distance(request, share) <= _ENOUGH:
            # Of several measured shares the one that hits may do so by chance: it counts anew.
            share = original.share_of(keep)
        at = replace(request, latency=aim)
        found = Try(keep, notes, at, share, _distance(request, share), refusal)
        yield found
        if found.distance <= _ENOUGH or chosen.all():
            return
        aim = aims.next(aim, share)


def _at(
    request: Request, aim: float, choose: Choose
) -> tuple[Masks, list[str], float, OutOfReachError | None]:
    """Return masks, notes and aim: the one asked for, or the lowest that the table thinks of."""
    try:
        return *choose(replace(request, latency=aim)), aim, None
    except OutOfReachError as error:
        if error.least >= 1:
            raise
        return *choose(replace(request, latency=error.least)), error.least, error


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
        """Return a smaller model's time as a share of the original's, by fresh copies of both.

        Args:
            keep: its masks.
        """
        one = self.setting
        with Runner(rebuild(self.graph, keep), one.runtime, one.threads) as small:
            return time_share(self.runner, small, one.batch_size, clock=one.clock)


def _require_hit(request: Request, found: Try, how: str = "measured") -> None:
    if found.share >= 1 > request.latency or found.distance > _MISSED:
        rounded = "" if found.round_to > 1 else " leave round_to out,"
        beyond = "" if found.refusal is None else f" The table says: {found.refusal}"
        raise PruningError(
            f"latency={request.latency} was missed: of the original's time the nearest model takes "
            f"{found.share:.3f}, {how}. Ask for another share,{rounded} measure on a machine "
            f"with nothing else to do, or use a larger batch_size.{beyond}"
        )
