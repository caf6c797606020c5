"""OBS: what a channel's readers lose when their other weights answer, from unlabelled samples.

Structured optimal brain surgeon (Hassibi & Stork, NIPS 1992, for groups of weights) with the
covariance of each reader's inputs as its Hessian.
"""

from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.reconstruction.elimination import eliminations, order_of_removal
from tfprune.reconstruction.original import Original
from tfprune.reconstruction.samples import portions_of
from tfprune.scoring.method import Method
from tfprune.selection._candidates import candidates

METHOD = Method(samples=1000)


def score(
    graph: ChannelGraph, data: Any, greedy: bool = True, seed: int = 0
) -> dict[str, np.ndarray]:
    """Score each channel by the error that its removal adds to all layers that read it.

    A reader with the weights W, whose inputs have the covariance H, gains the mean squared error
    tr(W_c' [(H^-1)_cc]^-1 W_c) when it loses the inputs c of a channel and its other weights
    answer; taken as a share of its outputs' variance, summed over all readers of the channels
    that live or die together. What no kernel reads, as queries that are multiplied with keys,
    is not judged.

    Args:
        graph: channel graph of the model.
        data: samples, in any form; labels are not looked at.
        greedy: remove a set's channels one after the other, the cheapest first, so that two
            channels that can replace each other do not both count as replaceable; a score is the
            dearest removal so far. False: each by itself.
        seed: of the positions that are drawn where there are more than 64 per column.

    Returns:
        {layer name: float64 [C]} for the layers whose channels may go and are read by a kernel; the
        numbers of different layers are comparable.

    Raises:
        PruningError: no data, NaN in it, or a model without a layer whose inputs may go.
    """
    if data is None:
        raise PruningError("criterion 'obs' needs data: pass unlabelled samples; received None.")
    original = Original(graph)
    sums = original.sums(portions_of(graph.model, data), seed)
    zeros = {name: np.zeros(graph.channels(name)) for name in graph.producers}
    found = candidates(graph, zeros, set(graph.producers), normalise=False)
    worth, judged = np.zeros(len(graph.is_pinned)), np.zeros(len(graph.is_pinned), bool)
    for members in found.members:
        units = found.units[members].tolist()
        readers = {name: original.form(name) for name in original.readers(units)}
        judged[units] = bool(readers)
        groups = [
            eliminations(original.graph, name, form, sums[name], units)
            for name, form in readers.items()
        ]
        parts = [part for own in groups for part in own]
        if greedy:
            removed = dict(order_of_removal(parts, units))
            costs = np.maximum.accumulate([*removed.values()] or [0.0])
            last = [unit for unit in units if unit not in removed]
            worth[[*removed, *last]] = [*costs[: len(removed)], *[costs[-1] * 2] * len(last)]
        else:
            for part in parts:
                for unit, cost in part.costs(units).items():
                    worth[unit] += cost
    found = {name: graph.units_of(name) for name in graph.producers}
    return {name: worth[units] for name, units in found.items() if judged[units].any()}
