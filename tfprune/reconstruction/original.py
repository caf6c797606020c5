"""The original model alone: the sums of each layer's columns, and runs with some channels gone."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.distribution.shares import Shares
from tfprune.distribution.strategies import local_devices, outside
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.layer_notes import Reader
from tfprune.passes.attention import with_parts
from tfprune.passes.progress import counting
from tfprune.passes.tape import Step, record
from tfprune.reconstruction.elimination import column_units
from tfprune.reconstruction.forms import Form
from tfprune.reconstruction.goals import carrier
from tfprune.reconstruction.normal_equations import Sums
from tfprune.reconstruction.pair import Pair
from tfprune.reconstruction.plan import Plan
from tfprune.reconstruction.portions import Portions
from tfprune.reconstruction.rows import drawn
from tfprune.surgery.builder import float32_if_half
from tfprune.surgery.masked import on_zeros

_BYTES = 1 << 30  # of all maps of the samples that trials are judged by
_FEWEST = 8  # samples that they are judged by in any case


class Original:
    """A copy of a model, run call by call, whose kernels can be changed and put back.

    Args:
        graph: channel graph of the model.
    """

    def __init__(self, graph: ChannelGraph):
        self.graph = graph = with_parts(graph)
        whole = np.ones(len(graph.unit), bool)
        self.pair = outside(lambda: Pair(graph, whole, float32_if_half(graph.model)))
        self.plan = Plan(record(graph), self.pair.has_kernel)
        self.layers = {
            step.operation: self.pair.owners[key].name
            for key, (step, *_) in self.plan.calls.items()
            if self.pair.has_kernel(step.operation)
        }

    def sums(self, portions: Portions, seed: int) -> dict[str, Sums]:
        """Return the sums of columns and outputs of each layer with a kernel, by name.

        On several workers each takes its share of the portions; its devices take those in turn.

        Args:
            portions: the samples.
            seed: of the positions that are drawn where there are more than are needed.
        """
        total = sum(portions.sizes)
        devices = local_devices()
        calls = len(self.plan.tape.steps) * len(portions)

        def of_block(numbers: Sequence[int]) -> list[np.ndarray]:
            found = {name: Sums() for name in self.layers.values()}
            for number in numbers:
                with tf.device(devices[number % len(devices)]):
                    self._run(found, portions[number], 1 / total, (seed, number), count)
            return [array for sums in found.values() for array in sums.arrays]

        with counting("calls of layers", calls) as count:
            arrays = Shares(len(portions)).total(of_block)
        each = len(Sums().arrays)
        parts = (arrays[start : start + each] for start in range(0, len(arrays), each))
        return dict(zip(self.layers.values(), map(Sums.of, parts), strict=True))

    def _run(
        self,
        found: dict[str, Sums],
        portion: Sequence[Any],
        share: float,
        seed: tuple[int, int],
        count: Callable[[int], None],
    ) -> None:
        """Make all calls for a portion, in the tape's order, and add up what layers take."""
        steps = self.plan.tape.steps
        last = {n: place for place, step in enumerate(steps) for n in step.needs}
        tensors = dict(zip(self.plan.tape.inputs, portion, strict=True))
        for place, step in enumerate(steps):
            args, kwargs = step.filled(tensors)
            raw = self.pair.raw_small(step, args, kwargs)
            if step.operation in self.layers:
                own = share / len(self.plan.calls[id(step.operation)])
                sums = found[self.layers[step.operation]]
                self._add(sums, step, args[0], raw, own, (*seed, place))
            outputs = keras.tree.flatten(self.pair.activated(step, raw))
            tensors.update(zip(step.outputs, outputs, strict=True))
            for number in {*step.needs, *step.outputs}:
                if last.get(number, place) == place:
                    tensors.pop(number, None)
            count(1)

    def form(self, name: str) -> Form:
        """Return how a layer with a kernel is a matrix."""
        return self.pair.forms[id(self.graph.owners[name].operation)]

    def readers(self, units: Sequence[int]) -> list[str]:
        """Return the names of the layers whose kernels read one of some units."""
        found = ((name, column_units(self.graph, name, self.form(name), units))
                 for name in self.layers.values())  # fmt: skip
        return [name for name, own in found if own is not None]

    def _add(
        self,
        sums: Sums,
        step: Step,
        x: Any,
        y: Any,
        share: float,
        seed: Sequence[int],
    ) -> None:
        form, x, y = self.pair.forms[id(step.operation)], np.asarray(x), np.asarray(y)
        for rows in drawn(form, y, share, seed):
            sums.add(form.columns(x, y, rows), form.targets(y, rows))


class Trials:
    """What the outputs become when some channels are gone and their readers have answered.

    Args:
        original: the model.
        portion: samples to judge by, as many of them as there is memory for all their maps.
        means: {layer: mean of its columns, [groups, D]}.
    """

    def __init__(self, original: Original, portion: Sequence[Any], means: Mapping[str, Any]):
        self.original, self.means = original, means
        self.tensors = self._everything(portion, 1)
        each = sum(int(np.prod(x.shape)) * x.dtype.size for x in self.tensors.values())
        self.tensors = self._everything(portion, max(_FEWEST, int(_BYTES // each)))
        self.wanted = self._outputs(self.tensors)
        self.spread = sum(float(((y - y.mean(axis=0)) ** 2).sum()) for y in self.wanted) or 1.0

    def harm(self, gone: np.ndarray, weights: Mapping[str, np.ndarray]) -> float:
        """Return the squared change of the outputs as a share of their spread.

        Args:
            gone: bool [units], which units are gone.
            weights: {layer: its new matrix, [groups, D, M]} of the layers that read them.
        """
        original, kept = self.original, self.original.graph.kept(gone)
        before = [(v, v.numpy()) for v in original.pair.small.variables]
        changed = {op for op, name in original.layers.items() if name in weights}
        for operation in changed:
            self._answer(operation, weights[original.layers[operation]])
        masked = self._masked(kept, changed)
        tensors = dict(self._run(self.tensors, changed, kept, masked))
        for variable, value in before:
            variable.assign(value)
        found = self._outputs({**self.tensors, **tensors})
        difference = sum(
            float(((a - b) ** 2).sum()) for a, b in zip(self.wanted, found, strict=True)
        )
        return difference / self.spread

    def _everything(self, portion: Sequence[Any], most: int) -> dict[int, Any]:
        """Return all tensors that some samples make, their inputs included."""
        fixed = self.original.graph.model.inputs[0].shape[0]  # a model may take no other number
        portion = [x[: fixed or most] for x in portion]
        inputs = dict(zip(self.original.plan.tape.inputs, portion, strict=True))
        return inputs | dict(self._run(inputs))

    def _answer(self, operation: Any, weights: np.ndarray) -> None:
        """Give a layer another matrix, and the offset that keeps its outputs' mean."""
        original = self.original
        form, step = original.pair.forms[id(operation)], original.plan.calls[id(operation)][0]
        mean = self.means[original.layers[operation]]
        offset = (mean[:, None, :] @ (form.matrix() - weights))[:, 0]
        form.assign(weights)
        taker = carrier(original.pair, original.plan, step, form)
        if taker is not None:
            taker(offset)

    def _masked(self, kept: np.ndarray, answered: Collection[Any]) -> set[Any]:
        """Put zeros where layers that have no answer read what is gone; return these layers."""
        pair, found = self.original.pair, set()
        for step in self.original.plan.tape.steps:
            if step.operation in answered:
                continue
            for slot in pair.owners[id(step.operation)].slots.values():
                if slot.reads and not kept[slot.ids].all():
                    weight = pair.copy(step).weights[slot.weight]
                    mask = kept[slot.ids].reshape([-1] + [1] * (len(weight.shape) - 1))
                    weight.assign(np.where(np.moveaxis(mask, 0, slot.axis), weight.numpy(), 0))
                    found.add(step.operation)
        return found

    def _run(
        self,
        known: Mapping[int, Any],
        changed: set[Any] | None = None,
        kept: np.ndarray | None = None,
        masked: Collection[Any] = (),
    ) -> Iterator[tuple[int, Any]]:
        """Yield (number, tensor) of all calls, or of those that a change reaches."""
        pair, new = self.original.pair, {}
        norms = () if changed is None else self._behind(changed)
        for step in self.original.plan.tape.steps:
            reads = [] if kept is None else self._reads(step, kept)
            own = changed is None or step.operation in changed or step.operation in masked
            touched = own or step in norms or reads
            if not touched and not any(number in new for number in step.needs):
                continue
            args, kwargs = step.filled({n: new.get(n, known.get(n)) for n in step.needs})
            for reader in reads:
                args = on_zeros(args, reader, kept)
            outputs = keras.tree.flatten(pair.call_small(step, args, kwargs))
            new.update(zip(step.outputs, outputs, strict=True))
        yield from new.items()

    def _behind(self, changed: set[Any]) -> set[Step]:
        """Return the calls that read changed layers: they may have taken up an offset."""
        plan = self.original.plan
        calls = [call for operation in changed for call in plan.calls[id(operation)]]
        return {reader for call in calls for reader in plan.readers.get(call.outputs[0], ())}

    def _reads(self, step: Step, kept: np.ndarray) -> list[Reader]:
        """Return the weightless reads of channels of which some are gone."""
        return [
            reader
            for reader in self.original.graph.readers
            if reader.operation is step.operation
            and reader.call == step.call
            and not kept[reader.ids].all()
        ]

    def _outputs(self, tensors: Mapping[int, Any]) -> list[np.ndarray]:
        return [np.asarray(tensors[n], np.float64) for n in self.original.plan.tape.outputs]
