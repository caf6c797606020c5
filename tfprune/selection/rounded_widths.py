"""Which multiples widths are rounded to under a latency, and in which order they are tried."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tfprune.costs.timing.layer_times import GRANULARITIES, coarsest_of_best
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.selection._budget import OutOfReachError, budget_of
from tfprune.selection.aims import ENOUGH, MISSED, distance
from tfprune.selection.request import Request
from tfprune.surgery.masks import kept_ids

Masks = dict[str, np.ndarray]
Choose = Callable[[Request], tuple[Masks, list[str]]]


def predicted_share(graph: ChannelGraph, request: Request, keep: Masks) -> float:
    """Return the share of the original's time that the table predicts."""
    return budget_of(graph, request).left(kept_ids(graph, keep))


def roundings_by_worth(graph: ChannelGraph, request: Request, choose: Choose) -> list[int]:
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
            share = predicted_share(graph, rounded, keep)
            worth[size] = weights(kept_ids(graph, keep)) / share
            if distance(share, request.latency) <= MISSED:
                near[size] = worth[size]
        except OutOfReachError as error:
            beyond[size] = error.least
    if not worth:
        least = min(beyond.values())
        first = next(size for size, left in beyond.items() if left <= (1 + ENOUGH) * least)
        return [size for size in beyond if size <= first]
    first = coarsest_of_best(near or worth)
    return [size for size in worth if size <= first]
