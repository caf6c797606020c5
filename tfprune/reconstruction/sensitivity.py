"""How much of each set of coupled channels can go, measured on a trained model without labels."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.progress import teller
from tfprune.reconstruction.amounts import Curve, Sensitivity
from tfprune.reconstruction.elimination import Elimination, eliminations, order_of_removal
from tfprune.reconstruction.original import Original, Trials
from tfprune.reconstruction.samples import portions_of
from tfprune.selection._candidates import candidates
from tfprune.selection.parsing import parsed

_JUDGES = 100  # samples on which trials are judged
_POINTS = (1 / 4, 1 / 2, 3 / 4, 7 / 8)  # shares of a set's units, where the harm is measured


def sensitivity(
    graph: ChannelGraph,
    data: Any,
    scores: Mapping[str, np.ndarray] | None = None,
    *,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Measure what a model's outputs lose when each set of coupled channels shrinks.

    Set by set, channels are taken out of the whole model one after the other, and all layers that
    read them answer with the rest of their weights (structured optimal brain surgeon, from the
    sums X'X alone). At a quarter, a half, three quarters and seven eighths of a set the change of
    the outputs is measured; in between it follows the readers' error. No labels, no training.

    Args:
        graph: channel graph of the model.
        data: some hundred samples in any form that `tfprune.score` takes, scaled as in training.
        scores: from `tfprune.score`: the channel of the lowest score goes first. None: the one
            whose removal costs its readers least at that time, as in the criterion "obs".
        include: patterns (as in a shell) of layer names; only these layers may shrink.
        exclude: patterns of layer names that may not.
        seed: of the positions that are drawn.
        progress: told after each set how many are done, and of how many.

    Returns:
        One curve per set; `.keep(macs=0.5)` makes the best use of a budget.

    Raises:
        PruningError: a pattern that matches no layer, no data, NaN in it, or that no channel may
            go.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> layers = [keras.Input((6,)), keras.layers.Dense(8, name="a"),
        ...           keras.layers.Dense(8, name="b"), keras.layers.Dense(2, name="head")]
        >>> graph = tfprune.analyse(keras.Sequential(layers))
        >>> images = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
        >>> keep = tfprune.sensitivity(graph, images).keep(params=0.5)
        >>> sorted(keep)
        ['a', 'b', 'head']
    """
    request = parsed("ranking", ratio=0.0, include=include, exclude=exclude).request
    given = scores or {name: np.zeros(graph.channels(name)) for name in graph.producers}
    found = candidates(graph, given, set(request.pruned_layers(graph)), normalise=False)
    curves, told = [], teller(progress, "sets of channels", len(found.members))
    original = Original(graph)
    portions = portions_of(graph.model, data)
    sums = original.sums(portions, seed)
    means = {name: own.x / own.rows for name, own in sums.items()}
    trials = Trials(original, [x[:_JUDGES] for x in portions[0]], means)
    worth = dict(zip(found.units.tolist(), found.scores.tolist(), strict=True))
    for place, members in enumerate(found.members):
        units = found.units[members].tolist()
        parts = {
            name: eliminations(original.graph, name, original.form(name), sums[name], units)
            for name in original.readers(units)
        }
        shrinking = _Shrinking(trials, parts, len(graph.is_pinned))
        units, harm = shrinking.curve(units, worth if scores else None)
        curves.append(Curve(tuple(found.names(members)), units, harm))
        told(place + 1, len(found.members))
    return Sensitivity(graph, tuple(curves))


@dataclass
class _Shrinking:
    """One set of coupled channels that loses one after the other."""

    trials: Trials
    parts: Mapping[str, list[Elimination]]
    units: int

    def curve(
        self, units: Sequence[int], worth: Mapping[int, float] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the units in the order in which they go, and the harm after each."""
        points = sorted({math.ceil(share * (len(units) - 1)) for share in _POINTS} - {0})
        gone, measured = np.zeros(self.units, bool), {}
        order, cost = [], [0.0]
        groups = [part for own in self.parts.values() for part in own]
        for unit, added in order_of_removal(groups, units, worth):
            order.append(unit)
            # What no kernel reads costs no reader anything: the harm then rises evenly between.
            cost.append(cost[-1] + (max(added, 0.0) if groups else 1.0))
            gone[unit] = True
            if len(order) in points:
                weights = {name: np.stack([p.weights for p in own])
                           for name, own in self.parts.items()}  # fmt: skip
                measured[len(order)] = self.trials.harm(gone, weights)
        last = [unit for unit in units if unit not in set(order)]
        return np.array([*order, *last]), _between(np.array([*cost, cost[-1]]), measured)


def _between(cost: np.ndarray, measured: Mapping[int, float]) -> np.ndarray:
    """Return the harm at every amount: measured at some, in between in proportion to the cost."""
    if not measured:  # a single unit: without it the set is gone
        return np.where(np.arange(len(cost)) > 0, np.inf, 0.0)
    tiny = np.finfo(np.float32).tiny
    places = np.array(list(measured))
    factor = np.log([max(harm, tiny) / max(cost[k], tiny) for k, harm in measured.items()])
    factors = np.exp(np.interp(np.arange(len(cost)), places, factor))
    harm = np.maximum.accumulate(cost * factors)
    harm[-1] = np.inf  # of each set one unit stays
    return harm
