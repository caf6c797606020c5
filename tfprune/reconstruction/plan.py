"""In which order calls are made, and what each layer's outputs are to aim at."""

from collections.abc import Callable, Mapping
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
        completing = {aim.total: aim.mine for aim in self.aims.values()}
        done: dict[Step, None] = {}
        stack = [self.maker[n] for n in reversed(self.tape.outputs) if n in self.maker]
        while stack:
            step = stack[-1]
            waiting = [s for s in self._before(step, completing.get(step)) if s not in done]
            if step in done or not waiting:
                done[stack.pop()] = None
            else:
                stack.append(waiting[0])
        return list(done)

    def last_uses(self) -> dict[int, int]:
        """Return {number of a tensor: place in the order of the last call that takes it}."""
        found = {}
        for place, step in enumerate(self.order):
            found |= dict.fromkeys(step.outputs, place)
            found |= dict.fromkeys(step.needs, place)
        return {number: place for number, place in found.items() if number not in self.tape.outputs}

    def depends(self, step: Step, other: Step) -> bool:
        """Tell whether a call needs what another one makes."""
        seen, stack = set(), [step]
        while stack:
            at = stack.pop()
            if at is other:
                return True
            if at not in seen and self.depth[at] > self.depth[other]:
                seen.add(at)
                stack += [self.maker[n] for n in at.needs if n in self.maker]
        return False

    def _before(self, step: Step, last: int | None) -> list[Step]:
        """Return the calls to be made before one, the one that completes it last."""
        numbers = sorted(step.needs, key=lambda number: number == last)
        before = [self.maker[n] for n in numbers if n in self.maker]
        aim = self.aims.get(step)
        if aim is not None:
            free = [self.maker[n] for n in aim.others if n in self.maker]
            before += [s for s in free if not self.depends(s, step)]
        calls = self.calls[id(step.operation)]
        if len(calls) > 1 and step is calls[0] and self._fits(step.operation):
            inputs = [self.maker[n] for c in calls[1:] for n in c.needs if n in self.maker]
            before += [s for s in inputs if not self.depends(s, step)]
        return before

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
        alone = len(self.readers.get(number, ())) == 1 and number not in self.tape.outputs
        step = self.maker.get(number) if alone else None
        return step if step is not None and len(step.outputs) == 1 and step.reads else None


def _is_sum(step: Step) -> bool:
    return has_role(step.operation, "sum") and len(set(step.reads)) == len(step.reads) > 1


def _passes(operation: Any) -> bool:
    """Tell whether an operation hands its input on at inference."""
    return has_role(operation, "dropout") or has_role(operation, "identity")


def _depths(tape: Tape, maker: Mapping[int, Step]) -> dict[Step, int]:
    depth: dict[Step, int] = {}
    for step in tape.steps:
        before = [depth[maker[number]] for number in step.needs if number in maker]
        depth[step] = 1 + max(before, default=0)
    return depth
