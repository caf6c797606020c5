"""Taylor-FO-BN: first-order Taylor expansion at gates (Molchanov et al., CVPR 2019)."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.criteria._losses import objective
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.head_places import place_numbers
from tfprune.graph.rules import has_role
from tfprune.passes.each import each
from tfprune.passes.head_sites import within_heads
from tfprune.passes.means import Means
from tfprune.passes.micro_batches import micro_batch
from tfprune.passes.probe import Probe, gate_gradients
from tfprune.passes.sites import behind_norms
from tfprune.scoring.method import Method
from tfprune.tasks import Task

_USER = "Criterion 'taylor'"
METHOD = Method(scope="global")


def score(
    graph: ChannelGraph, data: Any, loss: Any = None, task: str | Task | None = None
) -> dict[str, np.ndarray]:
    """Score each channel by the squared change of the loss that its removal would make.

    A gate of one multiplies each channel behind its BatchNormalization, or behind the layer where
    no BatchNormalization alone reads it; to first order, closing the gate changes a sample's
    loss by its gradient with respect to the gate, which is gamma * dL/dgamma + beta *
    dL/dbeta (equation 8). The score is the mean of its square over the samples. The paper squares
    the mean of a mini-batch; squares of single samples do not depend on the batch size. The model
    runs as at inference.

    Args:
        graph: channel graph of the model.
        data: batches of (inputs, labels), or of (inputs, labels, weights), which weigh the losses
            of samples or of their places.
        loss: a Keras loss, its name, or a function (labels, outputs) -> [N] or [N, ...]; None:
            the one that the model is compiled with, else the task's, the cross-entropy of class
            numbers.
        task: what the model is for, a task of `tfprune.tasks` or its name, which knows the void
            label; None: segmentation where the outputs are [N, H, W, classes], else
            classification.

    Returns:
        {convolution, Dense or EinsumDense layer, heads or sizes within an attention: float64 [C]},
        at least 0; the numbers of different layers are comparable. A layer that is called several
        times has one gate for all its calls. Heads of a stock attention have theirs at the values.

    Raises:
        PruningError: nothing of these, no batch, no labels or odd ones, several
            outputs, outputs that no loss suits.
    """
    names = [name for name in graph.producers if _is_scored(graph.owners[name].operation)]
    sites = {**behind_norms(graph, names), **within_heads(graph, graph.producers)}
    if not sites:
        raise PruningError(
            f"Criterion 'taylor' scores convolutions, Dense layers and heads; model "
            f"{graph.model.name!r} has none. Use another criterion, e.g. 'l1'."
        )
    measured = objective(graph.model, task, loss)
    probe = Probe(graph, sites, differentiable=True)

    def gates(inputs: list[tf.Tensor], *given: tf.Tensor) -> dict[str, tf.Tensor]:
        def target(outputs: Any) -> tf.Tensor:
            return tf.reduce_sum(measured.of_samples(outputs, *given))

        found = probe.gradients(inputs, target)
        return {name: gate_gradients(pairs) for name, pairs in found.items()}

    places = _places(graph, set(names))

    def squares(found: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        wide = {name: np.float64(gate) for name, gate in found.items()}
        wide |= {name: wide[layer] @ members for name, (layer, members) in places.items()}
        sums = {name: np.square(gate).sum(0) for name, gate in wide.items()}
        return sums, np.array(len(next(iter(found.values()))))

    samples = measured.samples(data, graph.model, _USER, micro_batch(graph))
    means = Means()
    for _, (sums, count) in each(probe, gates, samples, squares):
        means.add(sums, int(count))
    return means.over_samples(_USER)


def _places(graph: ChannelGraph, layers: set[str]) -> dict[str, tuple[str, np.ndarray]]:
    """Return {places within the heads that a layer makes: (layer, which of its channels, [C, S])}.

    One gate multiplies a place of all heads.
    """
    found = {}
    for name in graph.on_request:
        layer = name.rpartition("/")[0]
        if layer in layers:
            numbers = place_numbers(graph, name, graph.producers[layer])
            found[name] = layer, np.float64(numbers[:, None] == np.arange(graph.channels(name)))
    return found


def _is_scored(layer: Any) -> bool:
    return has_role(layer, "convolution") or has_role(layer, "dense")
