"""Run a step on every part of the data, divided among the replicas of the current strategy."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import cached_property, partial
from itertools import islice
from typing import Any

import keras
import tensorflow as tf

from tfprune.passes.batch_errors import describing
from tfprune.passes.journal import NOTHING_KEPT, Journal
from tfprune.passes.keeping import journal
from tfprune.passes.micro_batches import Part
from tfprune.passes.probe import Probe
from tfprune.passes.progress import tell
from tfprune.passes.replicas import Replicas

Given = list[Any]  # a part as the tensors that a step takes, nested


class Divided:
    """A step whose parts are divided among the replicas of a strategy.

    It belongs to the strategy within whose scope it is used first, and is traced there once for
    each type of its parts, however often it is used.

    Args:
        step: `step(*part)`, in TensorFlow's operations, from the tensors of one part to tensors,
            nested.
        given: makes these tensors of a part; None: they are its arrays.
        hint: what else to do about a part that does not suit, for the error message.

    Example:
        >>> import numpy as np
        >>> double = Divided(lambda x: {"sum": tf.reduce_sum(x)})
        >>> parts = [(np.ones(2),), (np.ones(3),)]
        >>> [found["sum"].item() for _, found in double.over(parts, as_sized)]
        [2.0, 3.0]
    """

    def __init__(
        self,
        step: Callable[..., Any],
        given: Callable[[Part], Given] | None = None,
        hint: str = "",
    ):
        self._step = step
        self._given = given or _tensors
        self._hint = hint
        self._functions: dict[Any, Callable[..., list[Any]]] = {}

    @cached_property
    def _replicas(self) -> Replicas:
        return Replicas(tf.distribute.get_strategy())

    def over(
        self,
        parts: Iterable[Part],
        specs: Callable[[Given], list[Any]],
        then: Callable[[Any], Any] = lambda found: found,
        kept: Journal = NOTHING_KEPT,
    ) -> Iterator[tuple[Part, Any]]:
        """Yield (part, what the step makes of it), in the order of the parts.

        Args:
            parts: a tuple of arrays, nested ones too, for each part; every worker reads all.
            specs: types and shapes of the tensors of a part that the step is traced for.
            then: what is made of the results by NumPy, where they are made.
            kept: knows the results of parts that need not be computed, and takes the others.

        Raises:
            PruningError: a part that does not suit the step.
        """
        stream = iter(parts)
        while some := list(islice(stream, self._replicas.count)):
            results = kept.results(some, partial(self._run, some, specs, then))
            for part in some:
                yield part, results.pop(0)  # large ones are not held any longer

    def _run(self, some: list[Part], specs: Callable, then: Callable) -> list[Any]:
        own = []
        for part in self._replicas.own(some):
            with self._describing(part):
                own.append(self._given(part))
        wanted = [specs(given) for given in own]
        key = tuple(keras.tree.flatten(wanted))
        if key not in self._functions:
            self._functions[key] = self._replicas.function(self._step, wanted)
        with self._describing(some[0]):
            return self._replicas.all(list(map(then, self._functions[key](own))), len(some))

    def _describing(self, part: Part) -> AbstractContextManager:
        what = "inputs and labels" if len(part) > 1 else "inputs"
        return describing(what, part, self._hint)


def as_sized(given: Given) -> list[Any]:
    """Return the types of a part with its number of samples: a step is traced for each."""
    return keras.tree.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), given)


def unsized(given: Given) -> list[Any]:
    """Return the types of a part, its number of samples left open: one trace serves all."""
    return keras.tree.map_structure(lambda x: tf.TensorSpec([None, *x.shape[1:]], x.dtype), given)


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
    That holds among machines of one kind, with as many threads: others round otherwise. Within
    `tfprune.passes.keeping.keeping` small results are kept, and need not be computed again.

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
        >>> found = each(probe, probe.first_sites, [(np.ones((5, 2)),), (np.ones((4, 2)),)])
        >>> [values["hidden"].shape for _, values in found]
        [(5, 3), (4, 3)]
    """

    def given(part: Part) -> Given:
        inputs, *others = part
        return [probe.inputs(inputs), *map(tf.convert_to_tensor, others)]

    def specs(given: Given) -> list[Any]:
        return as_sized(given) if sized else [probe.input_specs, *unsized(given[1:])]

    done = 0
    divided = Divided(step, given)
    with journal() as kept:
        for part, found in divided.over(parts, specs, then, kept):
            yield part, found
            done += len(keras.tree.flatten(part[0])[0])
            tell(done, what="samples")


def _tensors(part: Part) -> Given:
    return list(keras.tree.map_structure(tf.convert_to_tensor, part))
