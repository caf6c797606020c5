"""Aim at a latency: choose by the table, measure the whole model, and correct the aim."""

import os
from dataclasses import replace

from tfprune.costs.timing.blocks import blocks
from tfprune.costs.timing.table import LatencyTable
from tfprune.costs.timing.tabulating import latency_table
from tfprune.errors import PruningError
from tfprune.exporting.chosen_formats import require_formats
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.selection._budget import sized
from tfprune.selection.aims import MISSED
from tfprune.selection.measured_tries import Original, Try, nearest_try
from tfprune.selection.request import Request
from tfprune.selection.rounded_widths import Choose, Masks, predicted_share, roundings_by_worth


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
) -> tuple[Try, str]:
    """Return the choice of `within_latency`, and a note on its time.

    Args:
        graph: as for `within_latency`.
        request: with a latency and its table, from `tabled`.
        choose: as for `within_latency`.
        rounds: as for `within_latency`.
    """
    sizes = [request.round_to or 1]
    if rounds and request.round_to is None:
        sizes = roundings_by_worth(graph, request, choose)
    one = request.table.setting
    if one.is_here:
        with Original(_shown(graph, request), one) as original:
            requests = [replace(request, round_to=x) for x in sizes]
            found = nearest_try(graph, original, requests, choose)
        _require_hit(request, found)
        where = f"measured in {one.runtime}, batch of {one.batch_size}"
    else:
        rounded = replace(request, round_to=sizes[0])
        keep, notes = choose(rounded)
        share = predicted_share(graph, request, keep)
        found = Try(keep, notes, rounded, share, request.latency)
        _require_hit(request, found, how="predicted")
        device = one.device.get("processor") or one.device.get("machine")
        where = f"predicted for {device}, not measured"
    text = f"{found.share:.3f} of the original's, {where}; widths are multiples of {found.round_to}"
    return found, f"latency={request.latency}: {text}"


def _shown(graph: ChannelGraph, request: Request) -> ChannelGraph:
    return graph if request.input_shape is None else sized(graph, request.input_shape)


def _require_hit(request: Request, found: Try, how: str = "measured") -> None:
    if found.share >= 1 > request.latency or found.distance > MISSED:
        rounded = "" if found.round_to > 1 else " leave round_to out,"
        beyond = "" if found.refusal is None else f" The table says: {found.refusal}"
        raise PruningError(
            f"latency={request.latency} was missed: of the original's time the nearest model takes "
            f"{found.share:.3f}, {how}. Ask for another share,{rounded} measure on a machine "
            f"with nothing else to do, or use a larger batch_size.{beyond}"
        )
