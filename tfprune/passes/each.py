"""Run a step on every part of the data, divided among the replicas of the current strategy."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import tensorflow as tf

from tfprune.passes.divided import Divided, Given, as_sized, unsized
from tfprune.passes.keeping import journal
from tfprune.passes.micro_batches import Part
from tfprune.passes.probe import Probe
from tfprune.passes.progress import counting
from tfprune.passes.running_sums import RunningSums


def each(
    probe: Probe,
    step: Callable[..., Any],
    parts: Iterable[Part],
    then: Callable[[Any], Any] = lambda found: found,
    *,
    sized: bool = False,
    kept: RunningSums | None = None,
    alone: bool = False,
) -> Iterator[tuple[Part | None, Any]]:
    """Yield (part, what a step makes of it), in the order of the parts.

    Within the scope of a `tf.distribute` strategy the parts are divided among its replicas, one
    to each in turn; every worker receives the results of all. Each part is computed by itself:
    what is made of it does not depend on who does it. To add results up in their order, in
    float64, is all that a caller must do for sums equal to the bit for any number of replicas.
    That holds among machines of one kind, with as many threads: others round otherwise. Within
    `tfprune.passes.keeping.keeping` small results are kept, and need not be computed again.

    Args:
        probe: whose model takes the inputs.
        step: `step(inputs, *others)`, in TensorFlow's operations, traced once: from flat inputs
            and what else a part holds to tensors, nested.
        parts: (inputs, *others) each; where results are to depend on the samples alone, cut by
            `tfprune.passes.micro_batches.recut`. Of `tfprune.passes.parts.Parts` each of several
            workers reads its own alone, and None stands for a part; of others it reads all.
        then: what is made of the results (arrays, nested alike) by NumPy, where they are made.
        sized: whether the step is traced for each size of a part, which it then knows; else it is
            traced once. The last bits of a mean over a batch depend on that.
        kept: where the caller keeps the sums that it makes; None for a result that is in them.
        alone: whether the parts are this worker's alone: other workers, with parts of their own or
            none, hear nothing of them, and nothing is kept.

    Raises:
        PruningError: a part that does not suit the model or the step.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> from tfprune.passes.sites import linear
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="hidden")])
        >>> graph = tfprune.analyse(model)
        >>> probe = Probe(graph, linear(graph, ["hidden"]))
        >>> found = each(probe, probe.first_sites, [(np.ones((5, 2)),), (np.ones((4, 2)),)])
        >>> [values["hidden"].shape for _, values in found]
        [(5, 3), (4, 3)]
    """

    def given(part: Part) -> Given:
        inputs, *others = part
        return [probe.inputs(inputs), *map(tf.convert_to_tensor, others)]

    def specs(given: Given) -> list[Any]:
        return as_sized(given) if sized else [probe.input_specs, *unsized(given[1:])]

    divided = Divided(step, given)
    if alone:
        yield from ((part, found) for part, _, found in divided.alone(parts, specs, then))
        return
    keeping = journal() if kept is None else nullcontext(kept)
    with counting("samples") as count, keeping as keeps:
        for part, size, found in divided.over(parts, specs, then, keeps):
            yield part, found
            count(size)
