"""Remove the units with the lowest scores: the same share per layer, or by one ranking."""

from collections.abc import Callable

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.errors import PruningError
from tfprune.scoring import Scores
from tfprune.selection._budget import Budget
from tfprune.selection._candidates import Candidates, candidates
from tfprune.selection._cuts import Cuts, cuts
from tfprune.selection._parts import spared
from tfprune.selection._request import Request


def keep_masks(graph: ChannelGraph, scores: Scores, request: Request) -> dict[str, np.ndarray]:
    """Return {layer: bool [C]} for all layers; coupled channels are ranked by their mean score.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, higher = keep.
        request: how much is to go.

    Raises:
        PruningError: a target that cannot be reached, or coupled layers with different ratios.
    """
    request = request.with_scope(scores.scope)
    ranked = request.scope == "global"
    normalise = ranked and not scores.comparable
    found = candidates(graph, scores, request.pruned_layers(graph), normalise=normalise)
    channels = np.asarray(found.counts.sum(axis=1)).ravel()
    quota = np.maximum(channels - request.min_channels, 0)
    if request.amount in ("ratio", "ratios") and not ranked:
        quota = np.minimum(quota, _share(graph, found, channels, request))
    _check_effect(graph, found, request)
    merit = np.full(len(graph.is_pinned), np.inf)
    merit[found.units] = found.scores
    plan = cuts(found, quota, spared(graph, merit)[found.units])
    lengths = _LENGTHS[request.amount](graph, plan, channels, request)
    return _masks(graph, plan, plan.rounded(lengths, channels, request.round_to))


def _check_effect(graph: ChannelGraph, found: Candidates, request: Request) -> None:
    """Refuse a request that can remove nothing, in all or in a layer that it names."""
    able = np.zeros(len(graph.is_pinned), bool)
    able[found.units] = True
    named = [name for name, ratio in (request.ratios or {}).items() if ratio > 0]
    stuck = [name for name in named if not able[graph.units_of(name)].any()]
    if stuck or not (len(found.units) or request.asks_for_nothing):
        layers = stuck or list(graph.producers)
        why = {name: graph.pinned.get(int(graph.units_of(name)[0])) for name in layers[:5]}
        reasons = "; ".join(f"{name}: {reason or 'excluded, or not scored'}"
                            for name, reason in why.items())  # fmt: skip
        raise PruningError(
            f"select: {request.amount} has no effect, for no channel may go ({reasons}). See "
            "print(graph) for what is pinned, and check include and exclude."
        )


def _share(
    graph: ChannelGraph, found: Candidates, channels: np.ndarray, request: Request
) -> np.ndarray:
    """Return how many channels each layer may lose by its ratio, int [L]."""
    if request.ratio is not None:
        return _part(channels, request.ratio)
    share = np.zeros(len(channels), int)
    row = {name: i for i, name in enumerate(found.layers)}
    for name, ratio in request.ratios.items():
        coupled = graph.groups[name]
        for other in coupled:
            if request.ratios.get(other, ratio) != ratio:
                raise PruningError(
                    f"ratios: layers {name!r} ({ratio}) and {other!r} "
                    f"({request.ratios[other]}) share channels, so they lose the same ones. "
                    "Give both one ratio, or leave one out."
                )
            share[row[other]] = channels[row[other]]
    for name, ratio in request.ratios.items():
        share[row[name]] = _part(channels[row[name]], ratio)
    return share


def _part(channels: np.ndarray, ratio: float) -> np.ndarray:
    return np.floor(channels * ratio + 1e-9).astype(int)  # 0.3 * 10 is 2.999... in doubles


def _everything(graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request):
    return plan.whole


def _by_ratio(graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request):
    if request.scope != "global":
        return plan.whole
    total = int(plan.found.scored.sum())
    allowed = total - int(total * (1 - request.ratio))
    order = plan.merged(lambda s: plan.found.scores[s])
    weights = _weights(plan, order)
    return _prefix(plan, order, int(np.searchsorted(np.cumsum(weights), allowed, "right")))


def _weights(plan: Cuts, order: np.ndarray) -> np.ndarray:
    """Return how many scored channels go with each removal of a merged order."""
    position = np.zeros(len(plan.sequences), int)
    weights = np.zeros(len(order), int)
    for i, group in enumerate(order):
        weights[i] = plan.found.scored[plan.sequences[group][position[group]]]
        position[group] += 1
    return weights


def _by_threshold(graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request):
    scores = plan.found.scores
    return np.array([int((scores[s] < request.threshold).sum()) for s in plan.sequences], int)


def _by_target(graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request):
    budget = Budget(graph, request.amount)
    goal = getattr(request, request.amount) * budget.total
    order = plan.merged(_key(plan, request))

    def cost(lengths: np.ndarray) -> int:
        removed = np.zeros(len(graph.is_pinned), bool)
        removed[plan.units(plan.rounded(lengths, channels, request.round_to))] = True
        return budget(~removed[graph.unit])

    least = cost(plan.whole)
    if least > goal * 1.01:
        raise PruningError(
            f"{request.amount}={getattr(request, request.amount)} cannot be reached: with all that "
            f"may go removed, {least / budget.total:.3f} of the model is left. Ask for more, "
            "or loosen min_channels, round_to, include and exclude."
        )
    low, high = 0, len(order)  # cost(low) >= goal; the last removals may be too much
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(_prefix(plan, order, middle)) >= goal else (low, middle)
    return _closer(plan, _prefix(plan, order, low), cost, goal, request.round_to)


def _closer(
    plan: Cuts, lengths: np.ndarray, cost: Callable[[np.ndarray], int], goal: float, step: int
) -> np.ndarray:
    """Cut single groups a little further where the next unit of the order is too big a step."""
    present = cost(lengths)
    for group in range(len(lengths)):
        trial = lengths.copy()
        trial[group] = min(trial[group] + step, len(plan.sequences[group]))
        after = cost(trial)
        if abs(after - goal) < abs(present - goal):
            lengths, present = trial, after
    return lengths


def _key(plan: Cuts, request: Request):
    if request.scope == "global":
        return lambda s: plan.found.scores[s]
    return lambda s: (np.arange(len(s)) + 1) / max(len(s), 1)


def _prefix(plan: Cuts, order: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(order[:count], minlength=len(plan.sequences))


_LENGTHS = {
    "ratio": _by_ratio,
    "ratios": _everything,
    "threshold": _by_threshold,
    "macs": _by_target,
    "params": _by_target,
}


def _masks(graph: ChannelGraph, plan: Cuts, lengths: np.ndarray) -> dict[str, np.ndarray]:
    removed = np.zeros(len(graph.is_pinned), bool)
    removed[plan.units(lengths)] = True
    return {name: ~removed[graph.units_of(name)] for name in graph.producers}
