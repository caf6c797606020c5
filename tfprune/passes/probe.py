"""A model with named sites: what it computes there, and the gradients with respect to it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.graph.activation_kinds import applies_activation
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.heads import require_class_scores
from tfprune.graph.keras_private import projecting_with, projections
from tfprune.passes.linear_copies import cut_activations, cut_softmax
from tfprune.passes.model_calls import input_tensors, run_calls
from tfprune.passes.norm_calls import at_inference, by_batch, differentiably, thaw
from tfprune.passes.sites import LINEAR, OUTPUT, SCALE, Site, Sites
from tfprune.surgery.builder import Builder, float32_if_half

Pairs = dict[str, list[tuple[tf.Tensor, tf.Tensor]]]


class Probe:
    """A model, run call by call as at inference, that is looked at in named sites.

    It is the model itself where it can stay as it is. To be differentiated, to end in logits or
    to show an output before the layer's own activation it is a copy, made in the current
    `tf.distribute` scope.

    Args:
        graph: channel graph of the model.
        sites: {name: the sites looked at}, see `tfprune.passes.sites`.
        differentiable: whether gradients are taken. In half precision the copy computes in
            float32 then, for small gradients would vanish.
        logits: whether a softmax at the model's end is left out.
        batch_statistics: whether every BatchNormalization, a frozen one too, runs on the
            statistics of the batch; the moving ones stay. Samples of a batch mix then.

    Raises:
        PruningError: `logits` of a model that has several outputs, or ends neither in a softmax
            nor in logits.

    Example:
        >>> import keras, tfprune
        >>> from tfprune.passes.sites import linear
        >>> layers = [keras.Input((2,)), keras.layers.Dense(3, "relu", name="hidden"),
        ...           keras.layers.Dense(4, "softmax")]
        >>> graph = tfprune.analyse(keras.Sequential(layers))
        >>> probe = Probe(graph, linear(graph, ["hidden"]), differentiable=True, logits=True)
        >>> found = probe.gradients([tf.ones((5, 2))], lambda logits: tf.reduce_sum(logits))
        >>> [(value.shape[1], gradient.shape[1]) for value, gradient in found["hidden"]]
        [(3, 3)]
    """

    def __init__(
        self,
        graph: ChannelGraph,
        sites: Sites,
        *,
        differentiable: bool = False,
        logits: bool = False,
        batch_statistics: bool = False,
    ):
        if logits:
            require_class_scores(graph.model)
        wanted = [(name, site) for name, places in sites.items() for site in places]
        own = {id(site.operation): site.operation for _, site in wanted if site.tensor == LINEAR}
        own = [layer for layer in own.values() if applies_activation(layer)]
        copies: dict[int, Any] = {}
        self.model = graph.model
        if differentiable or logits or own:
            dtype = float32_if_half(graph.model) if differentiable else None
            builder = Builder(graph, np.ones(len(graph.unit), bool), dtype)
            self.model, copies = builder.build(), builder.copies
        self.names = list(sites)
        self._skipped = cut_softmax(self.model) if logits else None
        self._activations = cut_activations([copies[id(layer)] for layer in own])
        self._made = at_inference
        if batch_statistics:
            self._made = by_batch
            thaw(copies.values())
        elif differentiable:
            self._made = differentiably
        self._at: dict[tuple[int, int], list[tuple[str, Site]]] = {}
        self._scales: list[tuple[Any, str, Site]] = []
        for name, site in wanted:
            operation = copies.get(id(site.operation), site.operation)
            if site.tensor == SCALE:
                self._scales.append((operation, name, site))
            else:
                self._at.setdefault((id(operation), site.call), []).append((name, site))

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of the first output for one sample, e.g. [..., classes]."""
        return tuple(self.model.outputs[0].shape[1:])

    def inputs(self, given: Any) -> list[tf.Tensor]:
        """Return a batch's inputs as the flat tensors that the model takes.

        Args:
            given: as for `tfprune.passes.model_calls.input_tensors`, with the same refusals.
        """
        flat = zip(input_tensors(self.model, given), self.model.inputs, strict=True)
        return [tf.cast(x, expected.dtype) for x, expected in flat]

    @property
    def input_specs(self) -> list[tf.TensorSpec]:
        """Types and shapes of these, the number of samples None."""
        return [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in self.model.inputs]

    def first_sites(self, inputs: Sequence[Any]) -> dict[str, tf.Tensor]:
        """Return {name: what its first site shows, [N, ..., C], channels last}.

        Args:
            inputs: flat list of the model's inputs.
        """
        _, found = self.run(inputs)
        return {name: site.channels_last(x) for name, [(site, x), *_] in found.items()}

    def gradients(self, inputs: Sequence[Any], target: Callable[[Any], tf.Tensor]) -> Pairs:
        """Return {name: (tensor, gradient with respect to it) of each of its sites}.

        One pass there and back gives all of them; the channels are last.

        Args:
            inputs: flat list of the model's inputs.
            target: what is differentiated, a number, from the model's outputs.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            outputs, found = self.run(inputs, tape.watch)
            total = target(outputs)
        sites = [(name, *pair) for name, pairs in found.items() for pair in pairs]
        zero = tf.UnconnectedGradients.ZERO
        slopes = tape.gradient(total, [x for *_, x in sites], unconnected_gradients=zero)
        pairs: Pairs = {name: [] for name in self.names}
        for (name, site, x), slope in zip(sites, slopes, strict=True):
            pairs[name].append((site.channels_last(x), site.channels_last(slope)))
        return pairs

    def run(
        self, inputs: Sequence[Any], watch: Callable[[tf.Tensor], None] = lambda x: None
    ) -> tuple[Any, dict[str, list[tuple[Site, tf.Tensor]]]]:
        """Return the model's outputs and {name: (site, the tensor there) of each of its sites}.

        Args:
            inputs: flat list of the model's inputs.
            watch: told of each of these tensors before anything else reads it.
        """
        found: dict[str, list[tuple[Site, tf.Tensor]]] = {name: [] for name in self.names}
        counts: Counter = Counter()

        def look(name: str, site: Site, x: tf.Tensor) -> tf.Tensor:
            watch(x)
            found[name].append((site, x))
            return x

        def call(operation: Any, args: tuple, kwargs: dict) -> Any:
            here = self._at.get((id(operation), counts[id(operation)]), ())
            counts[id(operation)] += 1
            if id(operation) == self._skipped:
                return args[0]
            with projecting_with(operation, **_looking(operation, here, look)):
                outputs = self._made(operation, args, kwargs)
            here = [pair for pair in here if pair[1].part is None]
            activation = self._activations.get(id(operation))
            for name, site in here:
                if activation is None or site.tensor == LINEAR:
                    look(name, site, keras.tree.flatten(outputs)[0])
            if activation is None:
                return outputs
            outputs = activation(outputs)
            for name, site in here:
                if site.tensor == OUTPUT:
                    look(name, site, outputs)
            return outputs

        scales = [
            (norm.gamma, look(name, site, tf.convert_to_tensor(norm.gamma.value)))
            for norm, name, site in self._scales
        ]
        with keras.StatelessScope(scales):  # nothing moves: it may be the user's own model
            outputs = run_calls(self.model, inputs, call)
        return outputs, found


def gate_gradients(pairs: Sequence[tuple[tf.Tensor, tf.Tensor]]) -> tf.Tensor:
    """Return the gradients with respect to gates of ones that multiply the channels, [N, C].

    Each sample has a gate of its own for every channel; a name's sites share it.

    Args:
        pairs: tensors [N, ..., C] and the gradients with respect to them, one of each site.

    Example:
        >>> pairs = [(tf.constant([[[1.0], [2.0]]]), tf.constant([[[3.0], [-1.0]]]))]
        >>> gate_gradients(pairs).numpy().tolist()
        [[1.0]]
    """
    return tf.add_n([tf.reduce_sum(x * slope, _between(x)) for x, slope in pairs])


def _looking(
    attention: Any,
    here: Iterable[tuple[str, Site]],
    look: Callable[[str, Site, tf.Tensor], tf.Tensor],
) -> dict[str, Callable[[Any], tf.Tensor]]:
    """Return {projection: what it makes, looked at} of those that sites lie within."""

    def looked(part: str) -> Callable[[Any], tf.Tensor]:
        dense = projections(attention)[part]

        def projected(x: Any) -> tf.Tensor:
            y = dense(x)
            for name, site in here:
                if site.part == part:
                    look(name, site, y)
            return y

        return projected

    return {site.part: looked(site.part) for _, site in here if site.part is not None}


def _between(x: tf.Tensor) -> list[int]:
    return list(range(1, len(x.shape) - 1))
