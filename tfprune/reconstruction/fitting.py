"""Fit the layers of a pruned model, one after the other, to what the original computes."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tfprune.distribution import workers
from tfprune.distribution.shares import Shares
from tfprune.distribution.strategies import local_devices
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.rules import has_role
from tfprune.passes.keeping import Steps
from tfprune.passes.tape import Step, record
from tfprune.reconstruction.fitting_rows import FittingRows, fitting_rows
from tfprune.reconstruction.forms import Form
from tfprune.reconstruction.goals import carrier, completing, hidden_below
from tfprune.reconstruction.lazy_run import LazyRun
from tfprune.reconstruction.pair import Pair
from tfprune.reconstruction.plan import Plan
from tfprune.reconstruction.portions import Portions
from tfprune.reconstruction.report import LayerFit
from tfprune.reconstruction.rows import drawn
from tfprune.reconstruction.solving import Rows, solve
from tfprune.reconstruction.tensor_store import TensorStore

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
        kept: keeps what is found of each layer.
    """

    def __init__(self, graph: ChannelGraph, pair: Pair, settings: Settings, kept: Steps):
        self.pair, self.settings, self.kept = pair, settings, kept
        self.plan = Plan(record(graph), self.pair.has_kernel)
        self.last = self.plan.last_uses()
        self.fits: list[LayerFit] = []

    def run(
        self, portions: Portions, store: TensorStore, watch: Callable[[int, int], None]
    ) -> tuple[list[list[np.ndarray]], ...]:
        """Fit every layer; return the outputs wanted, those of before, and those of afterwards.

        On several workers each runs the models on its share of the portions, which its devices take
        in turn; the sums that a layer is solved from, and so its weights, are those of all, to the
        bit for any number of them.

        Args:
            portions: the samples.
            store: where tensors lie in between.
            watch: told after each call how many are done, and of how many.
        """
        self._start(portions, store)
        for place, step in enumerate(self.plan.order):
            self._move(place, step, self.small)
        before = self._outputs(self.small)
        self._start(portions, store)
        fitted: set[int] = set()
        for place, step in enumerate(self.plan.order):
            key = id(step.operation)
            if key in self.pair.forms and key not in fitted:
                fitted.add(key)
                self._fit(step)
            self._move(place, step, self.original, self.small)
            watch(place + 1, len(self.plan.order))
        return self._outputs(self.original), before, self._outputs(self.small)

    def _move(self, place: int, step: Step, *runs: LazyRun) -> None:
        """Make a call, and forget what nobody reads any more."""
        for run in runs:
            run.run(step)
            for number in {*step.needs, *step.outputs}:
                if self.last.get(number) == place:
                    run.drop(number)

    def _start(self, portions: Portions, store: TensorStore) -> None:
        self.shares = Shares(len(portions))
        own = [portions[number] for number in self.shares.own]
        inputs = {n: [x[i] for x in own] for i, n in enumerate(self.plan.tape.inputs)}
        maker, devices = self.plan.maker, local_devices()
        self.original = LazyRun(self.pair.call_original, maker, store, inputs, devices)
        self.small = LazyRun(self.pair.call_small, maker, store, inputs, devices)
        self.first = portions.starts

    def _outputs(self, run: LazyRun) -> list[list[np.ndarray]]:
        def of(number: int) -> list[np.ndarray]:
            portion = self.shares.own.index(number)
            return [np.asarray(run.tensor(n, portion)) for n in self.plan.tape.outputs]

        return self.shares.each(of)

    def _fit(self, step: Step) -> None:
        form, name = self.pair.forms[id(step.operation)], self._name(step)
        if not form.has_kernel and self._behind_a_fit(step):
            return
        taker = carrier(self.pair, self.plan, step, form)
        found = self.kept.result(lambda: self._found(step, form, free=taker is not None))
        if not found:
            self.fits.append(LayerFit(name, "what it computes does not follow from its kernel"))
            return
        rows, ridge, before, after = found["figures"].tolist()
        stays = np.isnan(ridge)
        if not stays:
            form.assign(found["weights"])
            if taker is not None:
                taker(found["offset"])
        fit = LayerFit(
            name, "", form.matrix().shape, int(rows), None if stays else ridge, before, after
        )
        self.fits.append(fit)

    def _found(self, step: Step, form: Form, *, free: bool) -> dict[str, np.ndarray]:
        """Return what is found of a layer; nothing where the form does not hold.

        Args:
            step: its first call.
            form: how it is a matrix.
            free: whether something takes up an offset.
        """
        if not workers.from_chief(
            lambda: self._holds(step, form)
        ):  # the chief has the first samples
            return {}
        rows = Rows(self.shares, lambda numbers: list(self._rows_of(step, form, numbers)))
        return solve(form, rows, free=free)

    def _name(self, step: Step) -> str:
        return self.pair.owners[id(step.operation)].name

    def _behind_a_fit(self, step: Step) -> bool:
        """Tell whether a normalisation reads a layer whose moments were fitted already."""
        maker = self.plan.maker.get(step.reads[0])
        norm = has_role(step.operation, "normalisation")
        return norm and maker is not None and self.pair.has_kernel(maker.operation)

    def _holds(self, step: Step, form: Form) -> bool:
        x, args = self._given(step, step, 0)
        y = self._finite(step, np.asarray(self.pair.raw_small(step, *args)))
        return _holds(form, x, y)

    def _rows_of(self, step: Step, form: Form, numbers: Sequence[int]) -> Iterator[FittingRows]:
        """Yield the rows over all calls and some portions."""
        calls = self.plan.calls[id(step.operation)]
        runs = self.original, self.small
        for call, number in itertools.product(calls, numbers):
            portion = self.shares.own.index(number)
            goal = self._goal(step, call, portion)
            source = partial(self._source, step, call, portion, goal.shape)
            hidden = hidden_below(self.pair, self.plan, runs, call, portion, goal)
            seed = self.settings.seed, number, self.plan.tape.steps.index(call)
            for rows in drawn(form, goal, 1 / (self.first[-1] * len(calls)), seed):
                yield fitting_rows(
                    form, source, goal, hidden, rows, self._held(form, goal, number, rows)
                )

    def _source(
        self, step: Step, call: Step, portion: int, shape: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a layer's input and its present output, or just its shape if that will do."""
        x, args = self._given(step, call, portion)
        if self.pair.forms[id(step.operation)].has_kernel:
            return x, np.broadcast_to(np.float32(0), shape)
        with self.small.device(portion):
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
            with self.original.device(portion):
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

    def _held(self, form: Form, y: np.ndarray, number: int, rows: np.ndarray) -> np.ndarray:
        """Return which rows of a portion are held out, bool [rows]."""
        total = self.first[-1]
        sample = self.first[number] + rows // form.positions(y)
        return (sample % HELD == HELD - 1) & (total >= HELD)


def _holds(form: Form, x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether a layer's outputs are its columns times its matrix, at a few rows."""
    rows = np.unique(np.linspace(0, y.shape[0] * form.positions(y) - 1, 64).astype(int))
    bias, outputs = form.bias(), form.targets(y, rows)
    found = form.columns(x, y, rows) @ form.matrix() + (0 if bias is None else bias[:, None])
    scale = np.abs(outputs).max() or 1.0
    if found.shape != outputs.shape:
        return False
    return bool(np.abs(found - outputs).max() <= _FAITHFUL * scale)
