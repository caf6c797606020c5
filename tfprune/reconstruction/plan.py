"""In which order calls are made, and what each layer's outputs are to aim at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tfprune.graph.rules import has_role
from tfprune.passes.tape import Step, Tape


@dataclass(frozen=True)
class Aim:
    """A sum that a layer completes: its outputs are to make the sum right.

    Args:
        total: the call that adds up.
        norm: the normalisation between the layer and the sum; None: there is none.
        mine: number of the tensor by which the layer enters the sum.
    """

    total: Step
    norm: Step | None
    mine: int

    @property
    def others(self) -> tuple[int, ...]:
        """Numbers of the sum's other terms."""
        return tuple(number for number in self.total.reads if number != self.mine)


class Plan:
    """The order of a model's calls, so that the terms of a sum that stay come first.

    Args:
        tape: the model's calls.
        fits: whether an operation is a layer whose kernel is fitted.
    """

    def __init__(self, tape: Tape, fits: Callable[[Any], bool]):
        self.tape, self._fits = tape, fits
        self.maker = {number: step for step in tape.steps for number in step.outputs}
        self.readers: dict[int, list[Step]] = {}
        for step in tape.steps:
            for number in step.reads:
                self.readers.setdefault(number, []).append(step)
        self.calls: dict[int, list[Step]] = {}
        for step in tape.steps:
            self.calls.setdefault(id(step.operation), []).append(step)
        self.depth = _depths(tape, self.maker)

    @cached_property
    def aims(self) -> Mapping[Step, Aim]:
        """{call of a layer: the sum that it completes}."""
        found = {}
        for total in self.tape.steps:
            if not _is_sum(total):
                continue
            terms = [term for term in map(self._term, total.reads) if term is not None]
            if terms:
                layer, norm, mine = max(terms, key=lambda term: self.depth[term[0]])
                found[layer] = Aim(total, norm, mine)
        return found

    @cached_property
    def order(self) -> list[Step]:
        """The calls, those behind a sum's other terms before the layer that completes it."""
        done: dict[Step, None] = {}
        stack = [self.maker[n] for n in reversed(self.tape.outputs) if n in self.maker]
        while stack:
            waiting = [step for step in self._waits[stack[-1]] if step not in done]
            if waiting:
                stack.append(waiting[0])
            else:
                done[stack.pop()] = None
        return list(done)

    def last_uses(self) -> dict[int, int]:
        """Return {number of a tensor: place in the order of the last call that takes it}."""
        found = {}
        for place, step in enumerate(self.order):
            found |= dict.fromkeys(step.outputs, place)
            found |= dict.fromkeys(step.needs, place)
        return {number: place for number, place in found.items() if number not in self.tape.outputs}

    def reader(self, number: int) -> Step | None:
        """Return the call that alone reads a tensor; None where there are others."""
        readers = self.readers.get(number, ())
        return readers[0] if len(readers) == 1 and number not in self.tape.outputs else None

    def depends(self, step: Step, other: Step) -> bool:
        """Tell whether a call needs what another one makes."""
        return _reaches(self._needed, step, other)

    @cached_property
    def _needed(self) -> dict[Step, list[Step]]:
        """{call: calls that make what it takes}."""
        return {s: [self.maker[n] for n in s.needs if n in self.maker] for s in self.tape.steps}

    @cached_property
    def _waits(self) -> dict[Step, list[Step]]:
        """{call: calls to be made before it}: those that it needs, and some that come first."""
        waits = {step: list(before) for step, before in self._needed.items()}
        for step, numbers in self._first():
            for before in (self.maker[n] for n in numbers if n in self.maker):
                # Layers that are shared crosswise would wait for each other.
                if not _reaches(waits, before, step):
                    waits[step].append(before)
        return waits

    def _first(self) -> Iterator[tuple[Step, tuple[int, ...]]]:
        """Yield calls with the tensors that had better be there before."""
        for step, aim in self.aims.items():
            yield step, aim.others
        for calls in self.calls.values():
            if self._fits(calls[0].operation):
                for call in calls[1:]:
                    yield calls[0], call.needs

    def _term(self, number: int) -> tuple[Step, Step | None, int] | None:
        """Return the layer, the normalisation behind it and the number by which it enters a sum."""
        step, norm = self._alone(number), None
        while step is not None and _passes(step.operation):
            step = self._alone(step.reads[0])
        if step is not None and has_role(step.operation, "batch_normalisation"):
            norm, step = step, self._alone(step.reads[0])
        if step is None or not self._fits(step.operation):
            return None
        alone = len(self.calls[id(step.operation)]) == 1
        return (step, norm, number) if alone else None

    def _alone(self, number: int) -> Step | None:
        """Return the call that makes a tensor which one call alone reads."""
        step = self.maker.get(number) if self.reader(number) else None
        return step if step is not None and len(step.outputs) == 1 and step.reads else None


def _is_sum(step: Step) -> bool:
    return has_role(step.operation, "sum") and len(set(step.reads)) == len(step.reads) > 1


def _passes(operation: Any) -> bool:
    """Tell whether an operation hands its input on at inference."""
    return has_role(operation, "dropout") or has_role(operation, "identity")


def _reaches(before: Mapping[Step, Sequence[Step]], step: Step, other: Step) -> bool:
    """Tell whether a way leads from a call back to another one, or they are the same."""
    seen, stack = set(), [step]
    while stack:
        at = stack.pop()
        if at is other:
            return True
        if at not in seen:
            seen.add(at)
            stack += before[at]
    return False


def _depths(tape: Tape, maker: Mapping[int, Step]) -> dict[Step, int]:
    depth: dict[Step, int] = {}
    for step in tape.steps:
        before = [depth[maker[number]] for number in step.needs if number in maker]
        depth[step] = 1 + max(before, default=0)
    return depth
