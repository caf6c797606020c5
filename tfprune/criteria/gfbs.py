"""GFBS: gradient-flow based saliency of BatchNormalization (Liu et al., ACM MM 2021)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.batches import labelled
from tfprune.channel_graph import ChannelGraph
from tfprune.errors import PruningError
from tfprune.graph import is_graph, replay
from tfprune.heads import label_loss
from tfprune.notes import Owner
from tfprune.surgery import Builder

SCOPE = "global"
EPSILON = 1e-12  # keeps the norm of a layer whose beta is all zero from dividing by zero


def score(
    graph: ChannelGraph, batches: Any, w_beta: float = 0.05, beta: str = "add"
) -> dict[str, np.ndarray]:
    """Score each channel by the scale, the shift and the gradient of its BatchNormalization.

    For each layer with scale gamma, shift beta and g = dL/dgamma, of length C, every vector
    divided by its Euclidean norm over the layer: S = |gamma| |g| + w_beta * beta, beta signed. L
    is the mean cross-entropy of a batch; BatchNormalization runs on batch statistics, everything
    else as at inference. Channels that live or die together share the means of their
    |gamma|, |g| and beta. g is averaged over several batches before its absolute value is taken.

    Args:
        graph: channel graph of the model.
        batches: batches of (inputs, integer labels [N]); the paper uses one of 128 or more.
        w_beta: weight of the shift, at least 0.
        beta: "add" as above, "off" for the first term alone, "only" for the second alone.

    Returns:
        {layer name: float64 [C]} for the layers with a BatchNormalization behind them; the
        numbers of different layers are comparable.

    Raises:
        PruningError: no BatchNormalization with scale and shift, no labels, a bad option.
    """
    if beta not in ("add", "off", "only"):
        raise PruningError(f"gfbs: beta must be 'add', 'off' or 'only', received {beta!r}.")
    if not w_beta >= 0:
        raise PruningError(f"gfbs: w_beta must be at least 0, received {w_beta!r}.")
    norms = [owner for owner in graph.owners.values() if _is_scored(owner)]
    if not norms:
        raise PruningError(
            f"Criterion 'gfbs' needs BatchNormalization layers with scale and shift; model "
            f"{graph.model.name!r} has none. Use another criterion, e.g. 'l1'."
        )
    gradients = _gradients(graph, norms, batches)
    gamma, flow, shift = _unit_means(graph, norms, gradients)
    saliency = {"add": gamma * flow + w_beta * shift, "off": gamma * flow,
                "only": w_beta * shift}[beta]  # fmt: skip
    scored = np.unique(np.concatenate([_ids(owner) for owner in norms]))
    return {
        name: saliency[graph.units_of(name)]
        for name, ids in graph.producers.items()
        if np.isin(ids, scored).all()
    }


def _is_scored(owner: Owner) -> bool:
    layer = owner.operation
    known = (0, 0) in owner.slots  # not so where it normalises other axes than the channels
    return (
        isinstance(layer, keras.layers.BatchNormalization)
        and layer.scale
        and layer.center
        and known
    )


def _ids(owner: Owner) -> np.ndarray:
    return owner.slots[(0, 0)].ids


def _unit_means(
    graph: ChannelGraph, norms: list[Owner], gradients: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return |gamma|, |g| and beta, normalised per layer and averaged per unit, each [units]."""
    sums, counts = np.zeros((3, len(graph.is_pinned))), np.zeros(len(graph.is_pinned))
    for owner, gradient in zip(norms, gradients, strict=True):
        units = graph.unit[_ids(owner)]
        gamma, beta = (np.float64(w.numpy()) for w in owner.operation.weights[:2])
        for row, vector in zip(sums, (np.abs(gamma), np.abs(gradient), beta), strict=True):
            np.add.at(row, units, vector / (np.linalg.norm(vector) + EPSILON))
        np.add.at(counts, units, 1)
    return tuple(sums / np.maximum(counts, 1))


def _gradients(graph: ChannelGraph, norms: list[Owner], batches: Any) -> list[np.ndarray]:
    """Return the mean over batches of dL/dgamma, float64 [C] per layer, from a copy."""
    builder = Builder(graph, np.ones(len(graph.unit), bool))
    model = builder.build()  # a copy: a pass on batch statistics changes the moving ones
    gammas = [builder.copies[id(owner.operation)].gamma for owner in norms]
    loss = label_loss(model)

    @tf.function(reduce_retracing=True)
    def step(inputs: Any, labels: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([gamma.value for gamma in gammas])
            outputs = _on_batch_statistics(model, keras.tree.flatten(inputs))
            total = loss(labels, outputs)
        return tape.gradient(total, [gamma.value for gamma in gammas])

    total, count = [0.0] * len(gammas), 0
    for inputs, labels in labelled(batches, "criterion 'gfbs'"):
        gradients = step(keras.tree.map_structure(tf.convert_to_tensor, inputs), labels)
        total = [old + np.float64(new) for old, new in zip(total, gradients, strict=True)]
        count += 1
    if not count:
        raise PruningError("Criterion 'gfbs' received no batch. Pass at least one.")
    return [gradient / count for gradient in total]


def _on_batch_statistics(model: keras.Model, inputs: list) -> Any:
    """Run a model with BatchNormalization on batch statistics and all else as at inference."""

    def call(operation: Any, args: tuple, kwargs: dict) -> Any:
        if is_graph(operation):
            return _on_batch_statistics(operation, keras.tree.flatten(args))
        if isinstance(operation, keras.layers.BatchNormalization):
            return operation(*args, **{**kwargs, "training": True})
        return operation(*args, **kwargs)

    return replay(model, inputs, call)
