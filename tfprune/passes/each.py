"""Run a step on every part of the data, divided among the replicas of the current strategy."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import keras
import tensorflow as tf

from tfprune.passes.batch_errors import describing
from tfprune.passes.micro_batches import Part
from tfprune.passes.probe import Probe
from tfprune.passes.progress import tell
from tfprune.passes.replicas import Replicas


def each(
    probe: Probe,
    step: Callable[..., Any],
    parts: Iterable[Part],
    then: Callable[[Any], Any] = lambda found: found,
    *,
    sized: bool = False,
) -> Iterator[tuple[Part, Any]]:
    """Yield (part, what a step makes of it), in the order of the parts.

    Within the scope of a `tf.distribute` strategy the parts are divided among its replicas, one
    to each in turn; every worker receives the results of all. Each part is computed by itself:
    what is made of it does not depend on who does it. To add results up in their order, in
    float64, is all that a caller must do for sums equal to the bit for any number of replicas.
    That holds among machines of one kind, with as many threads: others round otherwise.

    Args:
        probe: whose model takes the inputs.
        step: `step(inputs, *others)`, in TensorFlow's operations, traced once: from flat inputs
            and what else a part holds to tensors, nested.
        parts: (inputs, *others) each; where results are to depend on the samples alone, cut by
            `tfprune.passes.micro_batches.recut`. Each worker reads all of them.
        then: what is made of the results (arrays, nested alike) by NumPy, where they are made.
        sized: whether the step is traced for each size of a part, which it then knows; else it is
            traced once. The last bits of a mean over a batch depend on that.

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
        specs = [_specs(probe, part, sized) for part in own]
        key = tuple(keras.tree.flatten(specs))
        if key not in functions:
            functions[key] = replicas.function(step, specs)
        with _describing(some[0]):
            return replicas.all(list(map(then, functions[key](own))), len(some))

    stream, done = iter(parts), 0
    while some := list(islice(stream, replicas.count)):
        results = run(some)
        for part in some:
            yield part, results.pop(0)  # large ones are not held any longer
        done += sum(len(keras.tree.flatten(part[0])[0]) for part in some)
        tell(done)


def _specs(probe: Probe, given: list[Any], sized: bool) -> list[Any]:
    """Return types and shapes of what a step takes."""
    if sized:
        return keras.tree.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), given)
    return [probe.input_specs, *(tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in given[1:])]


def _given(probe: Probe, part: Part) -> list[Any]:
    """Return a part as the tensors that a step takes."""
    inputs, *others = part
    with _describing(part):
        return [probe.inputs(inputs), *map(tf.convert_to_tensor, others)]


def _describing(part: Part) -> AbstractContextManager:
    return describing("inputs and labels" if len(part) > 1 else "inputs", part)
