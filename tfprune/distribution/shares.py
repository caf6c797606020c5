"""Items of a list divided among the workers, with results that do not depend on how."""

from collections.abc import Callable, Sequence

import numpy as np

from tfprune.distribution import workers
from tfprune.distribution.arrays import from_bytes, to_bytes

BLOCKS = 8  # that items are added up in: more workers than that have nothing to do
Arrays = list[np.ndarray]


class Shares:
    """Which of some items fall to this worker; all receive what is made of the others.

    The items are cut into at most `BLOCKS` blocks of neighbours, whatever the number of workers,
    and each worker takes neighbouring blocks. A strategy with several devices in one process is
    one worker.

    Args:
        count: how many items there are, at least one.

    Example:
        >>> shares = Shares(20)
        >>> [total.item() for total in shares.total(lambda numbers: [np.sum(numbers)])]
        [190]
        >>> [made.tolist() for made, in Shares(3).each(lambda number: [np.ones(number)])]
        [[], [1.0], [1.0, 1.0]]
    """

    def __init__(self, count: int):
        blocks = [x.tolist() for x in np.array_split(range(count), min(BLOCKS, count))]
        here, most = workers.number(), len(blocks)
        of = min(workers.count(), most)
        mine = range(here * most // of, (here + 1) * most // of) if here < of else ()
        self._blocks = {place: blocks[place] for place in mine}
        self.own = [number for block in self._blocks.values() for number in block]

    def total(self, of_block: Callable[[Sequence[int]], Arrays]) -> Arrays:
        """Return the sum over all blocks, added in one order, to the bit for any workers.

        Args:
            of_block: makes the arrays of one block from the numbers of its items. What it refuses
                on one worker is refused on all.
        """

        def own() -> _Tree:
            tree = _Tree()
            for place, numbers in self._blocks.items():
                tree.add(0, place, of_block(numbers))
            return tree

        if workers.count() == 1:  # the way through bytes would be for nothing
            return own().total()
        tree = _Tree()
        for text in workers.gathered(lambda: _packed(own().nodes)):
            for node in _unpacked(text):
                tree.add(*node)
        return tree.total()

    def each(self, of_item: Callable[[int], Arrays]) -> list[Arrays]:
        """Return the arrays of all items, in their order.

        Args:
            of_item: makes those of one, from its number. What it refuses on one worker is refused
                on all.
        """

        def own() -> list[Arrays]:
            return [of_item(number) for number in self.own]

        if workers.count() == 1:
            return own()
        texts = workers.gathered(lambda: _packed([(0, 0, arrays) for arrays in own()]))
        return [arrays for text in texts for _, _, arrays in _unpacked(text)]


class _Tree:
    """Pairwise sums of leaves that come in order; a part of the leaves gives nodes of the whole.

    Node i of level k is the sum of the leaves 2^k i to 2^k (i + 1) - 1, wherever it is made.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[int, int, Arrays]] = []  # (level, place, sum)

    def add(self, level: int, place: int, arrays: Arrays) -> None:
        """Add a node to the right of those that are there."""
        while place % 2 and self.nodes and self.nodes[-1][:2] == (level, place - 1):
            arrays = _sum(self.nodes.pop()[2], arrays)
            level, place = level + 1, place // 2
        self.nodes.append((level, place, arrays))

    def total(self) -> Arrays:
        """Return the sum of all."""
        *others, (_, _, arrays) = self.nodes
        for _, _, left in reversed(others):
            arrays = _sum(left, arrays)
        return arrays


def _sum(left: Arrays, right: Arrays) -> Arrays:
    return [a + b for a, b in zip(left, right, strict=True)]


def _packed(nodes: Sequence[tuple[int, int, Arrays]]) -> bytes:
    heads = np.array([(level, place, len(arrays)) for level, place, arrays in nodes], int)
    return to_bytes([heads.reshape(-1, 3), *(x for _, _, arrays in nodes for x in arrays)])


def _unpacked(text: bytes) -> list[tuple[int, int, Arrays]]:
    heads, *arrays = from_bytes(text)
    ends = np.cumsum(heads[:, 2])
    return [
        (int(level), int(place), arrays[end - count : end])
        for (level, place, count), end in zip(heads, ends, strict=True)
    ]
