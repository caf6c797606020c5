"""Gradients with respect to the scales of BatchNormalization, on batch statistics."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.heads import label_loss
from tfprune.graph.layer_notes import Owner
from tfprune.passes.each import each
from tfprune.passes.means import Means
from tfprune.passes.probe import Probe
from tfprune.passes.reader import read
from tfprune.passes.sites import scales


def scale_gradients(graph: ChannelGraph, norms: Sequence[Owner], data: Any) -> list[np.ndarray]:
    """Return the mean over the images of dL/dgamma of each normalisation, float64 [C].

    L is the mean cross-entropy of a batch. Every BatchNormalization runs on batch statistics, a
    frozen one too, everything else as at inference. The model is not changed.

    Args:
        graph: channel graph of the model.
        norms: normalisations of the model, with scale.
        data: batches of (inputs, integer labels [N]).

    Raises:
        PruningError: no batch, no labels, or a batch that does not suit the model.
    """
    probe = Probe(graph, scales(norms), differentiable=True, batch_statistics=True)
    loss = label_loss(probe.model)

    def slopes(inputs: list[tf.Tensor], labels: tf.Tensor) -> dict[str, tf.Tensor]:
        def total(outputs: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(loss.call(labels, outputs))  # the mean follows in float64

        found = probe.gradients(inputs, total)
        return {name: gradient for name, [(_, gradient)] in found.items()}

    batches = read(data, graph.model, "criterion 'gfbs'", labels=True)
    images = ((batch.inputs, batch.labels) for batch in batches)
    means = Means()
    for (_, labels), found in each(probe, slopes, images):
        means.add(found, len(labels))
    total = means.over_samples("Criterion 'gfbs'")
    return [total[owner.name] for owner in norms]
