"""How far each group of layers may be cut: its units, worst first, and who may go at all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.keras_graph import all_layers
from tfprune.scoring.scores import Scores
from tfprune.selection._budget import budget_of
from tfprune.selection._candidates import Candidates, candidates, free_units, spared
from tfprune.selection._cuts import Cuts, cuts
from tfprune.selection._structures import shares_below, structures
from tfprune.selection.request import COUNTED, Request


@dataclass(frozen=True)
class CutPlan:
    """All that a selector needs to say how far each group is cut.

    Args:
        graph: channel graph of the model.
        request: how much is to go, with a scope.
        cuts: the units of each group in the order in which they go; a length per group is a
            selection.
        channels: int [L], channels of each layer.
    """

    graph: ChannelGraph
    request: Request
    cuts: Cuts
    channels: np.ndarray

    def removed(self, lengths: np.ndarray) -> np.ndarray:
        """Return the units that go with prefixes of these lengths, rounded, bool [units]."""
        rounded = self.cuts.rounded(lengths, self.channels, self.request.round_to)
        removed = np.zeros(len(self.graph.is_pinned), bool)
        removed[self.cuts.units(rounded)] = True
        return removed

    def masks(self, lengths: np.ndarray) -> dict[str, np.ndarray]:
        """Return {layer: bool [C]} for all layers, with prefixes of these lengths removed."""
        keep = self.graph.masks(self.removed(lengths))
        _check_counts(self.request.counts or {}, keep)
        return keep


def check_plan(graph: ChannelGraph, request: Request) -> None:
    """Refuse what cannot be planned, whatever the scores.

    Args:
        graph: channel graph of the model.
        request: how much is to go.

    Raises:
        PruningError: nothing may go, coupled layers with different amounts, or MACs that are
            unknown.
    """
    wanted = request.ratios or request.counts or {}
    for name, value in wanted.items():
        for other in graph.groups[name]:
            if wanted.get(other, value) != value:
                raise PruningError(
                    f"{request.amount}: layers {name!r} ({value}) and {other!r} "
                    f"({wanted[other]}) share channels, so they lose the same ones. "
                    "Give both one value, or leave one out."
                )
    _check_effect(graph, free_units(graph, request.pruned_layers(graph)), request)
    if request.amount in COUNTED:
        budget_of(graph, request)


def cut_plan(graph: ChannelGraph, scores: Scores, request: Request) -> CutPlan:
    """Order what may go.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, higher = keep.
        request: how much is to go.

    Raises:
        PruningError: of what is scored nothing may go.
    """
    request = request.with_scope(scores.scope)
    normalise = request.ranked and not scores.comparable
    found = candidates(graph, scores, request.pruned_layers(graph), normalise=normalise)
    if request.scope == "isomorphic":
        sets = structures(graph)[found.units]
        found = replace(found, ranks=shares_below(found.scores, found.scored, sets))
    channels = np.asarray(found.counts.sum(axis=1)).ravel()
    quota = np.maximum(channels - request.min_channels, 0)
    if not request.ranked:
        quota = np.minimum(quota, _asked(graph, found, channels, request))
    able = np.zeros(len(graph.is_pinned), bool)
    able[found.units] = True
    _check_effect(graph, able, request, scores)
    merit = np.full(len(graph.is_pinned), np.inf)
    merit[found.units] = found.ranks
    return CutPlan(graph, request, cuts(found, quota, spared(graph, merit)[found.units]), channels)


def _asked(
    graph: ChannelGraph, found: Candidates, channels: np.ndarray, request: Request
) -> np.ndarray:
    """Return how many channels each layer may lose by what was asked for, int [L]."""
    if request.ratio is not None:
        return _part(channels, request.ratio)
    wanted = request.ratios if request.ratios is not None else request.counts
    if wanted is None:
        return channels
    asked = np.zeros(len(channels), int)
    row = {name: i for i, name in enumerate(found.layers)}
    for name in wanted:
        for other in graph.groups[name]:
            asked[row[other]] = channels[row[other]]
    for name, value in wanted.items():
        size = channels[row[name]]
        asked[row[name]] = size - value if request.counts else _part(size, value)
    return asked


def _part(channels: np.ndarray, ratio: float) -> np.ndarray:
    return np.floor(channels * ratio + 1e-9).astype(int)  # 0.29 * 100 is 28.99... in doubles


def _check_effect(
    graph: ChannelGraph, able: np.ndarray, request: Request, scores: Scores | None = None
) -> None:
    """Refuse a request that can remove nothing of the able units, in all or in a named layer."""
    if not graph.producers and not request.may_remove_nothing:
        kinds = sorted({type(layer).__name__ for layer in all_layers(graph.model)})
        raise PruningError(
            f"select: {request.amount} has no effect, for model {graph.model.name!r} has no layer "
            f"that makes channels which a rule knows: its layers are {', '.join(kinds)}. "
            "tfprune.open_up(model) says why they cannot be opened, @tfprune.rule teaches one; in "
            "place of a SavedModel, which holds no layers, load the .keras file that it came from."
        )
    stuck = [name for name in request.shrunk(graph) if not able[graph.units_of(name)].any()]
    if stuck or not (able.any() or request.may_remove_nothing):
        layers = stuck or list(graph.producers)
        unscored = set() if scores is None else request.pruned_layers(graph) - set(scores)
        other = {name: f"not scored by {scores.criterion!r}" for name in unscored}
        why = {name: graph.pinned.get(int(graph.units_of(name)[0])) for name in layers[:5]}
        reasons = "; ".join(f"{name}: {reason or other.get(name, 'excluded')}"
                            for name, reason in why.items())  # fmt: skip
        raise PruningError(
            f"select: {request.amount} has no effect, because no channel may go ({reasons}). See "
            "print(graph) for what is pinned, and check include and exclude."
        )


def _check_counts(counts: Mapping[str, int], keep: Mapping[str, np.ndarray]) -> None:
    for name, count in counts.items():
        if int(keep[name].sum()) != count:
            raise PruningError(
                f"counts: layer {name!r} cannot keep {count} of {len(keep[name])} channels, the "
                f"nearest is {int(keep[name].sum())}: some are pinned, or go only together. See "
                "print(graph), and check min_channels, round_to, include and exclude."
            )
