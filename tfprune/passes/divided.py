"""A step whose parts are divided among the replicas of a strategy."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import cache, cached_property, partial
from itertools import islice
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.distribution import workers
from tfprune.passes.batch_errors import describing
from tfprune.passes.journal import NOTHING_KEPT, Journal, checksum
from tfprune.passes.micro_batches import Part
from tfprune.passes.parts import Parts, samples
from tfprune.passes.replicas import Replicas
from tfprune.passes.running_sums import RunningSums

Given = list[Any]  # a part as the tensors that a step takes, nested
Keeps = Journal | RunningSums
Found = tuple[Part | None, int, Any]  # a part, its samples, and what the step makes of it


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
        >>> [found["sum"].item() for _, _, found in double.over(parts, as_sized)]
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
        kept: Keeps = NOTHING_KEPT,
    ) -> Iterator[Found]:
        """Yield (part, its samples, what the step makes of it), in the order of the parts.

        Args:
            parts: a tuple of arrays, nested ones too, for each part. Of `Parts` each of several
                workers reads its own alone, and None is yielded for a part; of others it reads all.
            specs: types and shapes of the tensors of a part that the step is traced for.
            then: what is made of the results by NumPy, where they are made.
            kept: knows the results of parts that need not be computed, and takes the others. None
                is yielded for a result that is in its sums already.

        Raises:
            PruningError: a part that does not suit the step, on all workers.
        """
        if isinstance(parts, Parts) and workers.count() > 1:
            return self._apart(parts, specs, then, kept)
        return self._together(parts, specs, then, kept)

    def alone(
        self,
        parts: Iterable[Part],
        specs: Callable[[Given], list[Any]],
        then: Callable[[Any], Any] = lambda found: found,
    ) -> Iterator[Found]:
        """Yield the same of parts that this worker alone has, and of which no other hears.

        Each takes as many as it has: nothing waits for the others.
        """
        stream, devices = iter(parts), len(self._replicas.numbers)
        while some := list(islice(stream, devices)):
            filled = some + some[-1:] * (devices - len(some))
            for part, found in zip(some, self._made(filled, specs, then), strict=False):
                yield part, samples(part), found

    def _together(
        self, parts: Iterable[Part], specs: Callable, then: Callable, kept: Keeps
    ) -> Iterator[Found]:
        stream, replicas = iter(parts), self._replicas
        while some := list(islice(stream, replicas.count)):

            def find(some: list[Part] = some) -> list[Any]:
                return replicas.all(self._made(replicas.own(some), specs, then), len(some))

            results = kept.results(partial(map, checksum, some), find)
            for part in some:
                yield part, samples(part), results.pop(0)  # large ones are not held any longer

    def _apart(self, parts: Parts, specs: Callable, then: Callable, kept: Keeps) -> Iterator[Found]:
        replicas = self._replicas
        stream, done = parts.own(replicas.numbers, replicas.count), 0
        for count in parts.rounds(replicas.count):
            if parts.is_full:
                break
            own = cache(partial(next, stream))  # what one worker refuses while it reads all do

            def marks(own: Callable = own, count: int = count) -> list[int]:
                found = replicas.of_workers(lambda: [[np.array(checksum(x))] for x in own()])
                return [int(mark) for [mark] in found[:count]]

            def find(own: Callable = own, count: int = count) -> list[Any]:
                def made() -> list[Any]:
                    sizes = map(samples, own())
                    results = self._made(list(map(or_zeros, own())), specs, then)
                    return [(np.array(n), x) for n, x in zip(sizes, results, strict=True)]

                return replicas.of_workers(made)[:count]

            for result in kept.results(marks, find):
                size, found = (1, None) if result is None else result
                if size:
                    done += int(size)
                    yield None, int(size), found
        parts.end(done)

    def _made(self, own: list[Part], specs: Callable, then: Callable) -> list[Any]:
        """Return what the replicas of this worker make of a part each."""
        given = []
        for part in own:
            with self._describing(part):
                given.append(self._given(part))
        wanted = [specs(each) for each in given]
        key = tuple(keras.tree.flatten(wanted))
        with self._describing(own[0]):
            if key not in self._functions:
                self._functions[key] = self._replicas.function(self._step, wanted)
            return list(map(then, self._functions[key](given)))

    def _describing(self, part: Part) -> AbstractContextManager:
        what = "inputs and labels" if len(part) > 1 else "inputs"
        return describing(what, part, self._hint)


def as_sized(given: Given) -> list[Any]:
    """Return the types of a part with its number of samples: a step is traced for each."""
    return keras.tree.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), given)


def unsized(given: Given) -> list[Any]:
    """Return the types of a part, its number of samples left open: one trace serves all."""
    return keras.tree.map_structure(lambda x: tf.TensorSpec([None, *x.shape[1:]], x.dtype), given)


def _tensors(part: Part) -> Given:
    return list(keras.tree.map_structure(tf.convert_to_tensor, part))


def or_zeros(part: Part) -> Part:
    """Return a part, or, where it is empty, one that a step can be run on all the same."""
    if samples(part):
        return part
    return keras.tree.map_structure(lambda x: np.zeros((1, *x.shape[1:]), x.dtype), part)
