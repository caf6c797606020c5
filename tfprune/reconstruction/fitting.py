"""Fit the layers of a pruned model, one after the other, to what the original computes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.rules import has_role
from tfprune.passes.tape import Step, record
from tfprune.reconstruction.forms import Form
from tfprune.reconstruction.goals import carrier, completing, hidden_below
from tfprune.reconstruction.lanes import Lane, Shelf
from tfprune.reconstruction.normal_equations import Halves, best_fit
from tfprune.reconstruction.pair import Pair
from tfprune.reconstruction.plan import Plan
from tfprune.reconstruction.report import LayerFit
from tfprune.reconstruction.rows import drawn
from tfprune.reconstruction.taken import Taken, refined, take

HELD = 5  # every fifth sample is held out to choose the ridge by
_FAITHFUL = 1e-3  # of the outputs' scale: else the columns are not what the layer computes


@dataclass(frozen=True)
class Settings:
    """How layers are fitted, as the arguments of `tfprune.reconstruct`."""

    aim: str = "sum"
    seed: int = 0


class Fitting:
    """The walk over both models.

    Args:
        graph: channel graph of the original.
        pair: copies of both models; the layers of the pruned one are changed.
        settings: how.
    """

    def __init__(self, graph: ChannelGraph, pair: Pair, settings: Settings):
        self.pair, self.settings = pair, settings
        self.plan = Plan(record(graph), self.pair.has_kernel)
        self.rng = np.random.default_rng(settings.seed)
        self.last = self.plan.last_uses()
        self.fits: list[LayerFit] = []

    def run(
        self, portions: Sequence[list[Any]], shelf: Shelf, watch: Callable[[int, int], None]
    ) -> tuple[list[list[np.ndarray]], ...]:
        """Fit every layer; return the outputs wanted, those of before, and those of afterwards.

        Args:
            portions: the samples, each portion a flat list of the model's inputs.
            shelf: where tensors lie in between.
            watch: told after each call how many are done, and of how many.
        """
        self._start(portions, shelf)
        for place, step in enumerate(self.plan.order):
            self._move(place, step, self.small)
        before = self._outputs(self.small)
        self._start(portions, shelf)
        fitted: set[int] = set()
        for place, step in enumerate(self.plan.order):
            key = id(step.operation)
            if key in self.pair.forms and key not in fitted:
                fitted.add(key)
                self._fit(step)
            self._move(place, step, self.original, self.small)
            watch(place + 1, len(self.plan.order))
        return self._outputs(self.original), before, self._outputs(self.small)

    def _move(self, place: int, step: Step, *lanes: Lane) -> None:
        """Make a call, and forget what nobody takes any more."""
        for lane in lanes:
            lane.run(step)
            for number in {*step.needs, *step.outputs}:
                if self.last.get(number) == place:
                    lane.drop(number)

    def _start(self, portions: Sequence[list[Any]], shelf: Shelf) -> None:
        inputs = dict(zip(self.plan.tape.inputs, zip(*portions, strict=True), strict=True))
        maker = self.plan.maker
        self.original = Lane(self.pair.call_original, maker, shelf, inputs)
        self.small = Lane(self.pair.call_small, maker, shelf, inputs)
        self.first = np.cumsum([0, *(int(portion[0].shape[0]) for portion in portions)])

    def _outputs(self, lane: Lane) -> list[list[np.ndarray]]:
        numbers = self.plan.tape.outputs
        return [[np.asarray(lane.tensor(n, p)) for n in numbers] for p in range(lane.count)]

    def _fit(self, step: Step) -> None:
        form, name = self.pair.forms[id(step.operation)], self._name(step)
        if not form.has_kernel and self._behind_a_fit(step):
            return
        taker = carrier(self.pair, self.plan, step, form)
        taken = self._taken(step, form)
        if taken is None:
            self.fits.append(LayerFit(name, "what it computes does not follow from its kernel"))
            return
        halves = Halves()
        for one in taken:
            halves.add(one.columns(form), one.goal, one.held)
        fit = best_fit(halves, form.matrix(), offset=taker is not None)
        if fit.ridge is not None:
            weights, offset = refined(form, taken, halves, fit, free=taker is not None)
            form.assign(weights)
            if taker is not None:
                taker(offset)
        shape, rows = form.matrix().shape, halves.fitted.rows + halves.held.rows
        self.fits.append(LayerFit(name, "", shape, rows, fit.ridge, fit.before, fit.after))

    def _name(self, step: Step) -> str:
        return self.pair.owners[id(step.operation)].name

    def _behind_a_fit(self, step: Step) -> bool:
        """Tell whether a normalisation reads a layer whose moments were fitted already."""
        maker = self.plan.maker.get(step.reads[0])
        norm = has_role(step.operation, "normalisation")
        return norm and maker is not None and self.pair.has_kernel(maker.operation)

    def _taken(self, step: Step, form: Form) -> list[Taken] | None:
        """Return the rows over all calls and samples; None where the form does not hold."""
        taken: list[Taken] = []
        calls = self.plan.calls[id(step.operation)]
        for call in calls:
            for portion in range(self.small.count):
                goal = self._goal(step, call, portion)
                if not taken:
                    x, args = self._given(step, call, portion)
                    if not _holds(form, x, np.asarray(self.pair.raw_small(call, *args))):
                        return None
                source = partial(self._source, step, call, portion, goal.shape)
                lanes = self.original, self.small
                hidden = hidden_below(self.pair, self.plan, lanes, call, portion, goal)
                for rows, held in self._rows(form, goal, portion, len(calls)):
                    taken.append(take(form, source, goal, hidden, rows, held))
        return taken

    def _source(
        self, step: Step, call: Step, portion: int, shape: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a layer's input and its present output, or just its shape if that will do."""
        x, args = self._given(step, call, portion)
        if self.pair.forms[id(step.operation)].has_kernel:
            return x, np.broadcast_to(np.float32(0), shape)
        return x, np.asarray(self.pair.raw_small(call, *args))

    def _given(self, step: Step, call: Step, portion: int) -> tuple[np.ndarray, tuple[tuple, dict]]:
        """Return what a layer of the pruned model gets: its input, and its call's arguments."""
        pair = self.pair
        unknown = call is not step and self.plan.depends(call, step)
        if unknown or call.reads[0] not in self.small:
            # What it will get is unknown before layers are fitted: what it ought to get serves.
            args, kwargs = self.original.arguments(call, portion)
            x = pair.input_left(call, np.asarray(self.original.tensor(call.reads[0], portion)))
            given = (x, *args[1:]), kwargs
        else:
            x = np.asarray(self.small.tensor(call.reads[0], portion))
            given = self.small.arguments(call, portion)
        return self._finite(step, x), given

    def _goal(self, step: Step, call: Step, portion: int) -> np.ndarray:
        """Return the outputs that a layer is to give."""
        pair = self.pair
        if id(call.operation) in pair.activations:
            goal = pair.raw_original(call, *self.original.arguments(call, portion))
        else:
            goal = self.original.tensor(call.outputs[0], portion)
        goal = pair.output_left(call, np.asarray(goal))
        aim = self.plan.aims.get(call) if self.settings.aim == "sum" else None
        if aim is not None:
            goal = completing(pair, aim, (self.original, self.small), portion, goal)
        return self._finite(step, goal)

    def _finite(self, step: Step, values: np.ndarray) -> np.ndarray:
        if not np.isfinite(values).all():
            raise PruningError(
                f"reconstruct: what layer {self._name(step)!r} reads or makes is not finite. "
                "Check the model's weights."
            )
        return values

    def _rows(
        self, form: Form, y: np.ndarray, portion: int, calls: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows of a portion, and which of them are held out."""
        total = self.first[-1]
        for rows in drawn(form, y, 1 / (total * calls), self.rng):
            number = self.first[portion] + rows // form.positions(y)
            yield rows, (number % HELD == HELD - 1) & (total >= HELD)


def _holds(form: Form, x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether a layer's outputs are its columns times its matrix, at a few rows."""
    rows = np.unique(np.linspace(0, y.shape[0] * form.positions(y) - 1, 64).astype(int))
    bias, outputs = form.bias(), form.targets(y, rows)
    found = form.columns(x, y, rows) @ form.matrix() + (0 if bias is None else bias[:, None])
    scale = np.abs(outputs).max() or 1.0
    return found.shape == outputs.shape and np.abs(found - outputs).max() <= _FAITHFUL * scale
