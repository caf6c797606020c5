"""Gradients with respect to the scales of BatchNormalization, on batch statistics."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.criteria._losses import Objective
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.layer_notes import Owner
from tfprune.passes.each import each
from tfprune.passes.means import Means
from tfprune.passes.probe import Probe
from tfprune.passes.sites import scales

_USER = "Criterion 'gfbs'"


def scale_gradients(
    graph: ChannelGraph, norms: Sequence[Owner], data: Any, objective: Objective
) -> list[np.ndarray]:
    """Return the mean over the images of dL/dgamma of each normalisation, float64 [C].

    L is the mean loss of a batch. Every BatchNormalization runs on batch statistics, a frozen one
    too, everything else as at inference. The model is not changed.

    Args:
        graph: channel graph of the model.
        norms: normalisations of the model, with scale.
        data: batches of (inputs, labels) or (inputs, labels, weights).
        objective: the loss.

    Raises:
        PruningError: no batch, no labels, or a batch that does not suit the model.
    """
    probe = Probe(graph, scales(norms), differentiable=True, batch_statistics=True)

    def slopes(inputs: list[tf.Tensor], *given: tf.Tensor) -> tuple[dict, tf.Tensor]:
        counts = []

        def mean(outputs: Any) -> tf.Tensor:
            loss, count = objective.of_batch(outputs, *given)
            counts.append(count)
            return loss

        found = probe.gradients(inputs, mean)
        return {name: gradient for name, [(_, gradient)] in found.items()}, counts[0]

    means = Means()
    batches = objective.samples(data, graph.model, _USER)
    for _, (found, count) in each(probe, slopes, batches, sized=True):
        means.add({name: count * np.float64(x) for name, x in found.items()}, count)
    total = means.over_samples(_USER)
    return [total[owner.name] for owner in norms]
