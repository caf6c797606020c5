"""GFBS: gradient-flow based saliency of BatchNormalization (Liu et al., ACM MM 2021)."""

from numbers import Real
from typing import Any

import numpy as np

from tfprune.criteria._losses import objective
from tfprune.criteria._norm_gradients import scale_gradients
from tfprune.criteria._norms import channel_ids, require_norms, scaled_norms
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.coupling import combine
from tfprune.graph.layer_notes import Owner
from tfprune.scoring.method import Method
from tfprune.tasks import Task

METHOD = Method(
    selector="border",
    scope="global",
    amount={"ratio": 0.7},  # of VGG-16 on CIFAR-10; 0.4 of ResNet-50
    samples=200,  # of CIFAR-10
    batch=200,  # scores depend on what is in one batch
)
W_BETA = 0.05
EPSILON = 1e-12  # keeps the norm of a layer whose beta is all zero from dividing by zero


def score(
    graph: ChannelGraph,
    data: Any,
    w_beta: float | None = None,
    beta: str = "add",
    coupled: str = "mean",
    loss: Any = None,
    task: str | Task | None = None,
) -> dict[str, np.ndarray]:
    """Score each channel by the scale, the shift and the gradient of its BatchNormalization.

    For each layer with scale gamma, shift beta and g = dL/dgamma, of length C, every vector
    divided by its Euclidean norm over the layer: S = |gamma| |g| + w_beta * beta, beta signed. L
    is the mean loss of a batch; BatchNormalization runs on batch statistics, everything
    else as at inference. Channels that live or die together share the means of their |gamma|, |g|
    and beta, each taken apart; projected shortcuts are left out of them. g is averaged over the
    images of several batches before its absolute value is taken.

    Args:
        graph: channel graph of the model.
        data: batches of (inputs, labels) or (inputs, labels, weights); the paper uses one of 128
            or more.
        w_beta: weight of the shift, at least 0; None: the paper's 0.05.
        beta: "add" as above, "off" for the first term alone, "only" for the second alone.
        coupled: "mean" as above; else each layer's own scores are combined, as `tfprune.score`.
        loss: a Keras loss, its name, or a function (labels, outputs) -> [N] or [N, ...]; None:
            the one that the model is compiled with, else the task's, the cross-entropy of class
            numbers.
        task: what the model is for, a task of `tfprune.tasks` or its name, which knows the void
            label; None: segmentation where the outputs are [N, H, W, classes], else
            classification.

    Returns:
        {layer name: float64 [C]} for the layers with a BatchNormalization behind them; the
        numbers of different layers are comparable.

    Raises:
        PruningError: no BatchNormalization with scale and shift, no labels, a bad option.
    """
    _check(w_beta, beta)
    w_beta = W_BETA if w_beta is None else w_beta
    norms = scaled_norms(graph, shifted=True)
    projected = _projected(graph)
    norms = [owner for owner in norms if channel_ids(owner).tobytes() not in projected]
    require_norms(norms, graph, "gfbs", "scale and shift")
    gradients = scale_gradients(graph, norms, data, objective(graph.model, task, loss))
    place = graph.unit if coupled == "mean" else np.arange(len(graph.unit))
    gamma, flow, shift = _means(place, norms, gradients)
    saliency = {"add": gamma * flow + w_beta * shift, "off": gamma * flow,
                "only": w_beta * shift}[beta][place]  # fmt: skip
    scored = np.unique(np.concatenate([channel_ids(owner) for owner in norms]))
    own = {
        name: saliency[ids] for name, ids in graph.producers.items() if np.isin(ids, scored).all()
    }
    return own if coupled == "mean" else combine(graph, own, coupled)


def _projected(graph: ChannelGraph) -> set[bytes]:
    """Return the ids that projected shortcuts make: coupled layers that read a block's input.

    Such a layer reads the very channels that a layer outside its group reads too, the block's
    first, and none that it is coupled with. The original leaves its BatchNormalization out of the
    means and of the ranking.
    """
    reads: dict[bytes, list[str]] = {}
    for name in graph.producers:
        for slot in graph.owners[name].slots.values():
            own = np.isin(graph.unit[slot.ids], graph.units_of(name)).any()
            if slot.reads and not own:
                reads.setdefault(slot.ids.tobytes(), []).append(name)
    return {
        graph.producers[name].tobytes()
        for names in reads.values()
        for name in names
        if graph.groups[name] and set(names) - {name, *graph.groups[name]}
    }


def _means(
    place: np.ndarray, norms: list[Owner], gradients: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return |gamma|, |g| and beta, normalised per layer and averaged per place, each [places].

    Args:
        place: int [ids], where each channel is entered: its unit, or itself.
        norms: the normalisations.
        gradients: dL/dgamma of each.
    """
    sums, counts = np.zeros((3, len(place))), np.zeros(len(place))
    for owner, gradient in zip(norms, gradients, strict=True):
        places = place[channel_ids(owner)]
        gamma, beta = (np.float64(w.numpy()) for w in owner.operation.weights[:2])
        for row, vector in zip(sums, (np.abs(gamma), np.abs(gradient), beta), strict=True):
            np.add.at(row, places, vector / (np.linalg.norm(vector) + EPSILON))
        np.add.at(counts, places, 1)
    return tuple(sums / np.maximum(counts, 1))


def _check(w_beta: object, beta: object) -> None:
    if beta not in ("add", "off", "only"):
        raise PruningError(f"gfbs: beta must be 'add', 'off' or 'only', received {beta!r}.")
    if w_beta is None:
        return
    if not isinstance(w_beta, Real) or not 0 <= w_beta < np.inf:
        raise PruningError(f"gfbs: w_beta must be a number from 0 on, received {w_beta!r}.")
    if beta == "off" or (beta == "only" and not w_beta):
        raise PruningError(
            f"gfbs: w_beta={w_beta} beside beta={beta!r} leaves nothing to weigh. Leave one out."
        )
