"""Run a step on every part of the data, divided among the replicas of the current strategy."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import tensorflow as tf

from tfprune.passes.batch_errors import describing
from tfprune.passes.micro_batches import Part
from tfprune.passes.probe import Probe
from tfprune.passes.replicas import Replicas


def each(
    probe: Probe,
    step: Callable[..., Any],
    parts: Iterable[Part],
    then: Callable[[Any], Any] = lambda found: found,
) -> Iterator[tuple[Part, Any]]:
    """Yield (part, what a step makes of it), in the order of the parts.

    Within the scope of a `tf.distribute` strategy the parts are divided among its replicas, one
    to each in turn; every worker receives the results of all. Each part is computed by itself:
    what is made of it does not depend on who does it. To add results up in their order, in
    float64, is all that a caller must do for sums equal to the bit for any number of replicas.

    Args:
        probe: whose model takes the inputs.
        step: `step(inputs, *others)`, in TensorFlow's operations, traced once: from flat inputs
            and what else a part holds to tensors, nested.
        parts: (inputs, *others) each; where results are to depend on the samples alone, cut by
            `tfprune.passes.micro_batches.recut`. Each worker reads all of them.
        then: what is made of the results (arrays, nested alike) by NumPy, where they are made.

    Raises:
        PruningError: a part that does not suit the model or the step.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> from tfprune.passes.sites import linear
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="hidden")])
        >>> graph = tfprune.analyse(model)
        >>> probe = Probe(graph, linear(graph, ["hidden"]))
        >>> found = each(probe, probe.values, [(np.ones((5, 2)),), (np.ones((4, 2)),)])
        >>> [values["hidden"].shape for _, values in found]
        [(5, 3), (4, 3)]
    """
    replicas = Replicas(tf.distribute.get_strategy())
    functions: dict[Any, Callable[..., list[Any]]] = {}

    def run(some: list[Part]) -> list[Any]:
        own = [_given(probe, part) for part in replicas.own(some)]
        others = tuple((x.dtype, tuple(x.shape[1:])) for x in own[0][1:])
        if others not in functions:
            specs = [tf.TensorSpec([None, *shape], dtype) for dtype, shape in others]
            functions[others] = replicas.function(step, [probe.input_specs, *specs])
        with _describing(some[0]):
            return replicas.all(list(map(then, functions[others](own))), len(some))

    stream = iter(parts)
    while some := list(islice(stream, replicas.count)):
        results = run(some)
        for part in some:
            yield part, results.pop(0)  # large ones are not held any longer


def _given(probe: Probe, part: Part) -> list[Any]:
    """Return a part as the tensors that a step takes."""
    inputs, *others = part
    with _describing(part):
        return [probe.inputs(inputs), *map(tf.convert_to_tensor, others)]


def _describing(part: Part) -> AbstractContextManager:
    return describing("inputs and labels" if len(part) > 1 else "inputs", part)
