"""Outputs of layers and the gradients with respect to them, from one pass there and back."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.channel_places import is_channels_first
from tfprune.graph.heads import label_loss
from tfprune.graph.rules import has_role
from tfprune.passes.batch_errors import describing
from tfprune.passes.fused_norms import on_moving_statistics
from tfprune.passes.linear_copies import cut_activations, cut_softmax
from tfprune.passes.model_calls import input_tensors, run_calls
from tfprune.surgery.builder import Builder, float32_if_half


class Taps:
    """A copy of a classifier, run as at inference, that ends in logits and is tapped inside.

    In half precision the copy computes in float32, for small gradients would vanish.

    Args:
        graph: channel graph of the model.
        names: names of the convolutions and Dense layers that are tapped.
        behind_norms: tap the BatchNormalization that alone reads a layer's output in place of
            that output; otherwise tap the output before the layer's own activation.

    Raises:
        PruningError: the model has several outputs, or ends neither in a softmax nor in logits.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="hidden"),
        ...                           keras.layers.Dense(4, "softmax")])
        >>> Taps(tfprune.analyse(model), ["hidden"]).output_shape
        (4,)
    """

    def __init__(self, graph: ChannelGraph, names: Iterable[str], *, behind_norms: bool = False):
        label_loss(graph.model)  # refuses outputs that are no class scores
        builder = Builder(graph, np.ones(len(graph.unit), bool), float32_if_half(graph.model))
        self.model, self.behind_norms = builder.build(), behind_norms
        self.skipped = cut_softmax(self.model)
        copies = {name: builder.copies[id(graph.owners[name].operation)] for name in names}
        self.names = {id(layer): name for name, layer in copies.items()}
        self.last = {name: _channels_last(layer) for name, layer in copies.items()}
        self.activations = {} if behind_norms else cut_activations(list(copies.values()))

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of one sample's logits, [..., classes]."""
        return tuple(self.model.outputs[0].shape[1:])

    def sums(
        self,
        target: Callable[..., tf.Tensor],
        reduce: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        collect: Callable[..., tf.Tensor],
        labels: Sequence[tf.TensorSpec],
    ) -> Callable[..., dict[str, np.ndarray]]:
        """Return `step(inputs, *labels)`: {layer: what `collect` makes of it}.

        Samples do not mix at inference, so that one backward pass serves them all.

        Args:
            target: `target(logits, *labels)`, what is differentiated: a number per sample, [N].
            reduce: `reduce(output, gradient)`, of shapes [N, ..., C], to numbers [N, C]. They are
                added up over the calls of a layer.
            collect: `collect(numbers [N, C], *labels)`, what comes back of a batch.
            labels: type and shape of each of the labels, the number of samples None.
        """

        def compute(inputs: list, *given: tf.Tensor) -> dict[str, tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                logits, taps = self.run(inputs, tape.watch)
                total = tf.reduce_sum(target(logits, *given))
            zero = tf.UnconnectedGradients.ZERO
            slopes = tape.gradient(total, taps, unconnected_gradients=zero)
            return {name: collect(added(name, taps, slopes), *given) for name in taps}

        def added(name: str, taps: dict, slopes: dict) -> tf.Tensor:
            pairs = zip(taps[name], slopes[name], strict=True)
            return tf.add_n([reduce(*map(self.last[name], pair)) for pair in pairs])

        step = self.function(compute, labels)
        return lambda *batch: {name: value.numpy() for name, value in step(*batch).items()}

    def function(
        self, compute: Callable[..., Any], labels: Sequence[tf.TensorSpec] = ()
    ) -> Callable[..., Any]:
        """Return `call(inputs, *labels)`: `compute(flat inputs, *labels)`, traced once.

        Args:
            compute: what is done, in TensorFlow's operations.
            labels: type and shape of each of the labels, the number of samples None.

        Raises:
            PruningError: by the function, for a batch that the model or `compute` cannot take.
        """
        specs = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in self.model.inputs]
        traced = tf.function(compute, input_signature=[specs, *labels])

        def call(inputs: Any, *others: Any) -> Any:
            with describing("inputs and labels", (inputs, others)):
                flat = zip(input_tensors(self.model, inputs), specs, strict=True)
                return traced([tf.cast(x, spec.dtype) for x, spec in flat], *others)

        return call

    def run(
        self, inputs: Sequence[Any], watch: Callable[[tf.Tensor], None] = lambda x: None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        """Return the logits [N, ..., classes] and {layer: what is tapped, one per call}.

        Args:
            inputs: flat list of the model's inputs.
            watch: told of each tensor that may be tapped, before anything else reads it.
        """
        made: dict[Any, tuple[str, list]] = {}  # {output: its layer, [output, then behind norm]}
        reads: Counter = Counter()

        def call(operation: Any, args: tuple, kwargs: dict) -> Any:
            reads.update(x.ref() for x in keras.tree.flatten((args, kwargs)) if tf.is_tensor(x))
            if id(operation) == self.skipped:
                return args[0]
            outputs = _called(operation, args, kwargs)
            if id(operation) in self.names:
                watch(outputs)
                made[outputs.ref()] = self.names[id(operation)], [outputs]
                activation = self.activations.get(id(operation))
                return activation(outputs) if activation else outputs
            read = keras.tree.flatten((args, kwargs))[0]
            if has_role(operation, "batch_normalisation") and read.ref() in made:
                watch(outputs)
                made[read.ref()][1].append(outputs)
            return outputs

        logits = run_calls(self.model, inputs, call)
        taps: dict[str, list[tf.Tensor]] = {}
        for output, (name, found) in made.items():
            behind = self.behind_norms and len(found) == 2 and reads[output] == 1
            taps.setdefault(name, []).append(found[-1] if behind else found[0])
        return keras.tree.flatten(logits)[0], taps


def _called(operation: Any, args: tuple, kwargs: dict) -> Any:
    """Make a call at inference."""
    norm = has_role(operation, "batch_normalisation")
    fused = on_moving_statistics(operation, *args, **kwargs) if norm else None
    return operation(*args, **kwargs) if fused is None else fused


def _channels_last(layer: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return what moves the channels of a layer's output to the last axis."""
    if is_channels_first(layer):
        return lambda x: keras.ops.moveaxis(x, 1, -1)
    return lambda x: x
