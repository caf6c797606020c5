"""Taylor-FO-BN: first-order Taylor expansion at gates (Molchanov et al., CVPR 2019)."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.criteria._labels import labelled_images
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.rules import has_role
from tfprune.passes.each import each
from tfprune.passes.means import Means
from tfprune.passes.micro_batches import micro_batch, recut
from tfprune.passes.probe import Probe, gate_gradients
from tfprune.passes.sites import behind_norms
from tfprune.scoring.method import Method

_USER = "Criterion 'taylor'"
METHOD = Method(scope="global")


def score(graph: ChannelGraph, data: Any) -> dict[str, np.ndarray]:
    """Score each channel by the squared change of the loss that its removal would make.

    A gate of one multiplies each channel behind its BatchNormalization, or behind the layer where
    no BatchNormalization alone reads it; to first order, closing the gate changes a sample's
    cross-entropy by its gradient with respect to the gate, which is gamma * dL/dgamma + beta *
    dL/dbeta (equation 8). The score is the mean of its square over the samples. The paper squares
    the mean of a mini-batch; squares of single samples do not depend on the batch size. The model
    runs as at inference.

    Args:
        graph: channel graph of the model.
        data: batches of (inputs, labels): class numbers [N], or [N, H, W] for segmentation,
            where numbers that are no class mark pixels that do not count.

    Returns:
        {convolution or Dense layer: float64 [C]}, at least 0; the numbers of different layers
        are comparable. A layer that is called several times has one gate for all its calls.

    Raises:
        PruningError: no convolution or Dense layer, no batch, no labels or odd ones, a model
            that ends neither in a softmax nor in logits.
    """
    names = [name for name in graph.producers if _is_scored(graph.owners[name].operation)]
    if not names:
        raise PruningError(
            f"Criterion 'taylor' scores convolutions and Dense layers; model "
            f"{graph.model.name!r} has none. Use another criterion, e.g. 'l1'."
        )
    probe = Probe(graph, behind_norms(graph, names), differentiable=True, logits=True)
    *places, classes = probe.output_shape

    def gates(inputs: list[tf.Tensor], labels: tf.Tensor) -> dict[str, tf.Tensor]:
        def target(logits: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(_cross_entropy(logits, labels))

        found = probe.gradients(inputs, target)
        return {name: gate_gradients(pairs) for name, pairs in found.items()}

    images = labelled_images(data, graph.model, classes, _USER, rank=len(places) + 1)
    means = Means()
    for (_, labels), found in each(probe, gates, recut(images, micro_batch(graph))):
        squares = {name: np.square(np.float64(gate)).sum(0) for name, gate in found.items()}
        means.add(squares, len(labels))
    return means.over_samples(_USER)


def _is_scored(layer: Any) -> bool:
    return has_role(layer, "convolution") or has_role(layer, "dense")


def _cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of each sample, [N], averaged over its pixels that count."""
    counts = labels >= 0
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(counts, labels, 0), logits)
    axes = list(range(1, len(labels.shape)))
    pixels = tf.reduce_sum(tf.cast(counts, logits.dtype), axes)
    return tf.reduce_sum(tf.where(counts, losses, 0), axes) / tf.maximum(pixels, 1)
