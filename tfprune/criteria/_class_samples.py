"""Images class by class: which of a batch's images count for which class, up to a number each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import keras
import numpy as np

from tfprune.criteria._labels import labelled_parts
from tfprune.distribution import workers
from tfprune.distribution.arrays import from_bytes, to_bytes
from tfprune.errors import PruningError
from tfprune.passes.micro_batches import Part, recut
from tfprune.passes.parts import Parts
from tfprune.passes.probe import Probe
from tfprune.tasks import Task

USER = "criterion 'fgp'"
T = TypeVar("T")
Sample = tuple  # inputs, classes [N], and where there are masks those, bool [N, H, W]


class Quota:
    """Counts the images of each class, and takes no more than a number of each.

    Args:
        classes: the classes that count.
        most: images per class; None for all.

    Example:
        >>> import numpy as np
        >>> quota = Quota([0, 1], most=1)
        >>> quota.take(np.array([1, 7, 1, 0])).tolist(), quota.is_full
        ([0, 3], True)
    """

    def __init__(self, classes: Sequence[int], most: int | None):
        self.count, self.most = dict.fromkeys(classes, 0), most

    @property
    def is_full(self) -> bool:
        """Whether no more image is needed."""
        return self.most is not None and min(self.count.values()) >= self.most

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """Return the places of the class numbers [N] that are taken, and count them."""
        return np.array([i for i, d in enumerate(numbers.tolist()) if self._takes(d)], int)

    def require_all(self) -> None:
        """Refuse a class without images: the mean over the classes is not defined then."""
        missing = [d for d, count in self.count.items() if not count]
        if len(missing) == len(self.count):
            raise PruningError(f"{USER} received no image of any class. Pass at least one of each.")
        if missing:
            present = [d for d, count in self.count.items() if count]
            more = f" (nor have {len(missing) - 1} other classes)" if len(missing) > 1 else ""
            raise PruningError(
                f"{USER}: class {missing[0]} of {len(self.count)} has no image among the "
                f"batches{more}, and every class counts alike. Pass batches that hold all of them, "
                f"or only classes that are there, e.g. classes={present[:3]}."
            )

    def _takes(self, number: int) -> bool:
        if number not in self.count or self.count[number] == self.most:
            return False
        self.count[number] += 1
        return True


class Chosen(Parts):
    """Parts (inputs, class numbers) of which only the images that a quota takes are left.

    Each of several workers reads its own parts; all hear the class numbers of each round, and
    count alike.

    Args:
        parts: all images.
        quota: which of them are taken.
    """

    def __init__(self, parts: Parts, quota: Quota):
        super().__init__(parts.some, parts.count, parts.data, parts.user)
        self._quota = quota

    @property
    def is_full(self) -> bool:
        """Whether no further part is needed."""
        return self._quota.is_full

    def __iter__(self) -> Iterator[Part]:
        return _taken(super().__iter__(), self._quota)

    def own(self, replicas: Sequence[int], of: int) -> Iterator[list[Part]]:
        """Yield what is taken of the parts of some replicas; else as `Parts.own`."""
        rounds = super().own(replicas, of)
        for count in self.rounds(of):
            own, every = heard(lambda: next(rounds), lambda part: part[1])
            rows = [self._quota.take(numbers) for numbers in every[:count]]
            places = [rows[min(replica, len(rows) - 1)] for replica in replicas]
            yield [rows_of(part, place) for part, place in zip(own, places, strict=True)]

    def end(self, done: int) -> None:
        """Let all workers know what each could not read; the quota refuses classes without any."""
        super().end(max(done, 1))


def by_label(probe: Probe, data: Any, quota: Quota, size: int, task: Task) -> Iterable[Sample]:
    """Return the images that count for their label's class, those of some images at a time.

    Args:
        probe: the model, which ends in logits [N, classes].
        data: batches of (inputs, class numbers [N]).
        quota: how many are taken.
        size: of how many images at a time.
        task: knows which labels are class numbers.
    """
    classes = probe.output_shape[-1]

    def parts(size: int | None) -> Iterable[Part]:
        return labelled_parts(data, probe.model, classes, USER, size=size, task=task)

    apart = parts(size)
    if isinstance(apart, Parts):
        return Chosen(apart, quota)
    return recut(_taken(parts(None), quota), size)  # batches as they come: no more is read


def _taken(parts: Iterable[Part], quota: Quota) -> Iterator[Part]:
    """Yield what a quota takes of parts, those that need no other left out."""
    for part in parts:
        rows = quota.take(part[1])
        if len(rows):
            yield rows_of(part, rows)
        if quota.is_full:
            return


def heard(
    make: Callable[[], Iterable[T]], said: Callable[[T], np.ndarray]
) -> tuple[list[T], list[np.ndarray]]:
    """Return a worker's own parts of a round, and what is said of those of all workers.

    Args:
        make: returns its own; what it refuses all workers do.
        said: what the others hear of one.
    """
    own: list[T] = []

    def text() -> bytes:
        own.extend(make())
        return to_bytes([said(one) for one in own])

    return own, [found for told in workers.gathered(text) for found in from_bytes(told)]


def rows_of(inputs: Any, rows: np.ndarray) -> Any:
    """Return some samples of nested arrays, by their numbers."""
    return keras.tree.map_structure(lambda x: keras.ops.convert_to_numpy(x)[rows], inputs)
