"""Data in parts of which several workers read each its own."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import keras

from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.passes.batch import Batch
from tfprune.passes.micro_batches import Part, recut
from tfprune.passes.reader import read


class Parts:
    """Parts that can be read apart from one another; iterated, it gives all of them.

    Args:
        some: `some(numbers)` gives the parts of these numbers, in their order, empty ones too.
        count: how many there are.
        data: has what could not be read, `skipped`, and is told of it by `skip(names)`.
        user: what reads them, for the error message.
    """

    def __init__(
        self, some: Callable[[Sequence[int]], Iterable[Part]], count: int, data: Any, user: str
    ):
        self.count = count
        self.some, self.data, self.user = some, data, user

    @property
    def is_full(self) -> bool:
        """Whether no further part is needed."""
        return False

    def __iter__(self) -> Iterator[Part]:
        return (part for part in self.some(range(self.count)) if samples(part))

    def rounds(self, of: int) -> Iterator[int]:
        """Yield how many parts each round has.

        Args:
            of: how many replicas there are, of which each takes one.
        """
        return (min(of, self.count - start) for start in range(0, self.count, of))

    def own(self, replicas: Sequence[int], of: int) -> Iterator[list[Part]]:
        """Yield the parts of some replicas, of which each takes one in turn, round by round.

        Nothing else is read. In a last round of too few parts the last one stands in.

        Args:
            replicas: which ones, ascending.
            of: how many there are.
        """
        rounds = [
            [min(start + number, self.count - 1) for number in replicas]
            for start in range(0, self.count, of)
        ]
        stream = iter(self.some(sorted({number for numbers in rounds for number in numbers})))
        last = -1
        for numbers in rounds:
            found = []
            for number in numbers:
                if number != last:
                    part, last = next(stream), number
                found.append(part)
            yield found

    def end(self, done: int) -> None:
        """Let all workers know what each of them could not read.

        Args:
            done: samples that were read.

        Raises:
            PruningError: there were none.
        """
        texts = workers.gathered(lambda: json.dumps(self.data.skipped).encode())
        self.data.skip(dict.fromkeys(name for text in texts for name in json.loads(text)))
        if not done:
            raise PruningError(f"{self.user} received no batch. Pass at least one.")


def in_parts(
    data: Any,
    model: keras.Model | None,
    user: str,
    make: Callable[[int, Batch], Part] = lambda number, batch: (batch.inputs,),
    *,
    size: int | None = None,
    limit: int | None = None,
    **how: Any,
) -> Iterable[Part]:
    """Return data in parts: `Parts` where they can be read apart, as those of `tfprune.data`.

    Where images are left out, since they cannot be read, such parts are smaller: whether others
    can be read changes no part.

    Args:
        data: in one of the forms of `tfprune.passes.reader`.
        model: the model that they are for; None: one with a single input.
        user: what reads them, for error messages.
        make: `make(number, batch)` makes a part of the inputs, labels and weights of some samples;
            by default of the inputs alone.
        size: samples of a part; None: the batches as they come.
        limit: batches to read at most, where `size` is None; None: all.
        **how: further arguments of `tfprune.passes.reader.read`.

    Example:
        >>> import numpy as np
        >>> images = [np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8, 3))]
        >>> [len(x) for x, in in_parts(images, None, "the example", size=3)]
        [3, 1]
    """
    apart = _apart(data, size)
    if apart is None:
        batches = enumerate(read(data, model, user, limit=limit, **how))
        parts = (make(number, batch) for number, batch in batches if batch.size)
        return parts if size is None else recut(parts, size)

    def some(numbers: Sequence[int]) -> Iterator[Part]:
        batches = read(apart.some(0, numbers), model, user, **how)
        for number, batch in zip(numbers, batches, strict=False):
            yield keras.tree.map_structure(keras.ops.convert_to_numpy, make(number, batch))

    count = len(apart) if limit is None else min(limit, len(apart))
    return Parts(some, count, apart, user)


def peeked(parts: Iterable[Part]) -> tuple[Part, Iterable[Part]]:
    """Return the first of some parts, and all of them."""
    if isinstance(parts, Parts):
        return next(iter(parts)), parts
    stream = iter(parts)
    first = next(stream)
    return first, chain([first], stream)


def samples(part: Part) -> int:
    """Return how many samples a part has."""
    return len(keras.tree.flatten(part[0])[0])


def _apart(data: Any, size: int | None) -> Any:
    """Return data whose batches are parts that can be read apart; None: it has none."""
    if not callable(getattr(data, "some", None)):
        return None
    return data if size is None else data.resized(size)
