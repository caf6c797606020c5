"""Round widths to what a runtime computes fastest, at the same share of the MACs or weights."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tfprune.costs.timing.layer_times import GRANULARITIES, coarsest_of_best
from tfprune.costs.timing.measuring import latencies
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.selection._budget import OutOfReachError, budget_of, sized
from tfprune.selection.request import Request
from tfprune.surgery.masks import kept_ids
from tfprune.surgery.rebuilding import rebuild

Masks = dict[str, np.ndarray]
Choose = Callable[[Request], tuple[Masks, list[str]]]


def rounded(graph: ChannelGraph, request: Request, choose: Choose) -> tuple[Masks, list[str]]:
    """Return the masks with those widths that a runtime is fastest at, and notes.

    Widths of multiples of 1, 4, 8, 16 and 32 are chosen for the same share, and their models timed
    by turns with the original. Coarse ones leave a little less or more than the share, so the one
    is taken that leaves most for its time.

    Args:
        graph: channel graph of the model.
        request: for a share of the MACs or weights, with a runtime and no rounding.
        choose: returns masks and notes for a request with a rounding.

    Raises:
        OutOfReachError: a share that cannot be reached with any widths.
        PruningError: a runtime that cannot hold the model.
    """
    shown = graph if request.input_shape is None else sized(graph, request.input_shape)
    runtime, batch_size = request.runtime or "keras", request.batch_size or 1
    plain = replace(request, runtime=None, batch_size=None)
    found, refused = {}, []
    for size in GRANULARITIES:
        try:
            found[size] = choose(replace(plain, round_to=size))
        except OutOfReachError as error:
            refused.append(error)
    if not found:
        raise refused[-1]
    smalls = [rebuild(shown, keep) for keep, _ in found.values()]
    times = latencies([shown.model, *smalls], (batch_size,), runtime)
    before, *after = (one.seconds for (one,) in times)
    budget = budget_of(graph, plain)
    left = {size: budget.left(kept_ids(graph, keep)) for size, (keep, _) in found.items()}
    times = {size: seconds / before for size, seconds in zip(found, after, strict=True)}
    size = coarsest_of_best({size: left[size] / times[size] for size in found})
    keep, notes = found[size]
    kind = {"macs": "MACs", "params": "weights"}[request.amount]
    compared = ", ".join(f"{left[x]:.2f} in {times[x]:.2f} (multiples of {x})" for x in found)
    note = (
        f"widths are multiples of {size}, with which {runtime} is fastest, batch of {batch_size}: "
        f"of the original's {kind} in its time {compared}"
    )
    return keep, [*notes, note]
