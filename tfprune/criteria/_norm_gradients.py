"""Gradients with respect to the scales of BatchNormalization, on batch statistics."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.heads import label_loss
from tfprune.graph.layer_notes import Owner
from tfprune.graph.rules import has_role
from tfprune.passes.batch_errors import describing
from tfprune.passes.batches import labelled
from tfprune.passes.fused_norms import on_batch_statistics
from tfprune.passes.model_calls import input_tensors, run_calls
from tfprune.surgery.builder import Builder, float32_if_half


def scale_gradients(graph: ChannelGraph, norms: Sequence[Owner], batches: Any) -> list[np.ndarray]:
    """Return the mean over the images of dL/dgamma of each normalisation, float64 [C].

    L is the mean cross-entropy of a batch. Every BatchNormalization runs on batch statistics, a
    frozen one too, everything else as at inference. The model is not changed.

    Args:
        graph: channel graph of the model.
        norms: normalisations of the model, with scale.
        batches: batches of (inputs, integer labels [N]).

    Raises:
        PruningError: no batch, no labels, or a batch that does not suit the model.
    """
    # A copy: a pass on batch statistics changes the moving ones; half precision loses gradients.
    builder = Builder(graph, np.ones(len(graph.unit), bool), float32_if_half(graph.model))
    model = builder.build()
    for layer in builder.copies.values():
        if has_role(layer, "batch_normalisation"):
            layer.trainable = True  # a frozen one would stay on its moving statistics
    gammas = [builder.copies[id(owner.operation)].gamma.value for owner in norms]
    loss = label_loss(model)

    @tf.function(reduce_retracing=True)
    def step(inputs: list[tf.Tensor], labels: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(gammas)
            total = loss(labels, run_calls(model, inputs, _on_batch_statistics))
        return tape.gradient(total, gammas, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    total, count = [np.zeros(gamma.shape[0]) for gamma in gammas], 0
    for inputs, labels in labelled(batches, "criterion 'gfbs'"):
        with describing("inputs and labels", (inputs, labels)):
            gradients = step(input_tensors(model, inputs), labels)
        weighted = (len(labels) * np.float64(gradient) for gradient in gradients)
        total = [old + new for old, new in zip(total, weighted, strict=True)]
        count += len(labels)
    if not count:
        raise PruningError("Criterion 'gfbs' received no batch. Pass at least one.")
    return [own / count for own in total]


def _on_batch_statistics(operation: Any, args: tuple, kwargs: dict) -> Any:
    """Make a call as at inference, but for BatchNormalization."""
    if not has_role(operation, "batch_normalisation"):
        return operation(*args, **kwargs)
    fused = on_batch_statistics(operation, *args, **kwargs)
    return operation(*args, **{**kwargs, "training": True}) if fused is None else fused
