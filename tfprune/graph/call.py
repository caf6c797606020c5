"""One call of a layer as its rule sees it, and all that the rule may write down."""

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channels import Channels, Shape, spread
from tfprune.graph.layer_notes import Edit, Factor, Ids, Owner, Reader, Slot
from tfprune.graph.trace import Trace


@dataclass
class Call:
    """One call of one layer or operation: what a rule sees, and all it may write down.

    Args:
        op: the layer or operation.
        inputs: the channels of the tensors it is called with, in order.
        outputs: the shapes of the tensors it returns, in order.
        args: its positional arguments, with `Channels` in place of tensors.
        kwargs: its keyword arguments, likewise.
    """

    op: Any
    inputs: Sequence[Channels]
    outputs: Sequence[Shape]
    args: tuple
    kwargs: dict[str, Any]
    trace: Trace
    owner: Owner
    path: tuple[str, ...] = ()  # where the operation's config lies within its owner's

    def __post_init__(self):
        self._weights = {weight.name: weight for weight in getattr(self.op, "weights", ())}

    def inside(self, layer: Any, *path: str) -> "Call":
        """Return this call as seen by a layer within the layer, e.g. a wrapper's.

        Args:
            layer: the inner layer.
            *path: where the inner layer lies in the outer one's config; a number is a place in a
                list.
        """
        place = self.path
        for number, step in enumerate(path):
            is_list = path[number + 1 : number + 2] and path[number + 1].isdigit()
            place = (*place, step) if is_list else (*place, step, "config")
        return replace(self, op=layer, path=place)

    def channels(self, x: Channels | None = None, axis: int = -1) -> Ids:
        """Return the ids [C] along one axis of a tensor, united over its other axes.

        Channels that lie along another axis only are pinned: what reads along this one mixes
        them, or makes new ones for each of them.

        Args:
            x: the tensor's channels; the first input by default.
            axis: the channel axis.
        """
        x = self.whole_heads(self.inputs[0] if x is None else x)
        line = x.along(axis)
        axis %= len(x.shape)
        others = [other for other in x.varying if other != axis]
        if others and axis not in x.varying:
            self.pin(x, f"{type(self.op).__name__} works along another axis than the channels'")
        elif others:
            self.unite(np.broadcast_to(spread(line, axis, x.shape).ids, x.ids.shape), x.ids)
        return line

    def level(self, x: Channels, axes: Iterable[int]) -> Channels:
        """Return a tensor's channels, united along axes that are read as a whole.

        Where channels lie along another axis too, they may still go: all that lies behind one
        place of it at once, so that what is computed along these axes stays what it was. Where
        the channels lie along these axes alone, nothing is united.

        Args:
            x: the tensor's channels.
            axes: the axes that a call reads as a whole, such as those of a sum.
        """
        x = self.whole_heads(x)
        axes = {axis % len(x.shape) for axis in axes} & set(x.varying)
        if not axes or axes == set(x.varying):
            return x
        index = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(x.ids.ndim))
        first = x.ids[index]
        self.unite(np.broadcast_to(first, x.ids.shape), x.ids)
        return Channels(first, x.shape)

    def produce(self, count: int) -> Ids:
        """Return the ids [count] of the channels that this layer makes, the same at each call."""
        if self.owner.fresh is None:
            self.owner.fresh = self.trace.new_ids(count)
        return self.owner.fresh

    def produce_inside(self, what: str, count: int, *, on_request: bool = False) -> Ids:
        """Return the ids [count] of channels within the layer, which are pruned as `layer/what`.

        Args:
            what: what they are, e.g. "heads".
            count: their number.
            on_request: whether a selection leaves them whole unless it names them.
        """
        if what not in self.owner.inner:
            self.owner.inner[what] = self.trace.new_ids(count)
        if on_request:
            self.owner.on_request.add(what)
        return self.owner.inner[what]

    def heads(self, heads: Ids, places: Ids) -> Ids:
        """Return new ids of the channels that belong to these heads and places, which broadcast."""
        shape = np.broadcast_shapes(heads.shape, places.shape)
        ids = self.trace.new_ids(math.prod(shape)).reshape(shape)
        self.trace.grids.add(ids, heads, places)
        return ids

    def part(self, x: Channels, place_axis: int) -> None:
        """Say that a tensor's channels are places within heads, as a product of it shows.

        The places are named after the layer that makes all of the channels; without one, or where
        they are known to be of heads, nothing is said.

        Args:
            x: the tensor's channels, all different.
            place_axis: along which the places within each head lie; along the others, the heads.
        """
        maker = self.trace.maker(x.ids)
        if maker is None or self.trace.grids.holds(x.ids):
            return
        count = sum(name.startswith("size") for name in maker.inner)
        name = f"size_{count + 1}" if count else "size"
        maker.inner[name] = places = self.trace.new_ids(x.shape[place_axis])
        maker.on_request.add(name)
        self.trace.grids.lines.append(places)
        shape = [1 if axis == place_axis else size for axis, size in enumerate(x.ids.shape)]
        heads = self.trace.new_ids(math.prod(shape)).reshape(shape)
        self.trace.grids.add(x.ids, heads, spread(places, place_axis, x.shape).ids)

    def whole_heads(self, x: Channels, *, known: bool = False) -> Channels:
        """Return a tensor's channels with whole heads in place of the places within them.

        Args:
            x: the tensor's channels.
            known: whether the caller takes care of the places; else they are pinned.
        """
        if self.place_axis(x) is None:
            return x
        if not known:
            self.trace.grids.pin(x.ids, self.owner.name, self.op)
        return self.trace.grids.whole(x)

    def place_axis(self, x: Channels) -> int | None:
        """Return the axis along which only the places within heads change, if there is one."""
        return self.trace.grids.place_axis(x)

    def places(self, x: Channels) -> Ids:
        """Return ids [C] that stand for the places within a tensor's heads."""
        axis = self.place_axis(x)
        line = self.trace.new_ids(x.shape[axis])
        self.trace.grids.lines.append(line)
        pairs = np.broadcast_arrays(spread(line, axis, x.shape).ids, x.ids)
        self.trace.grids.columns.append(tuple(pairs))
        return line

    def ghosts(self, count: int) -> Ids:
        """Return new ids [count] without a layer that makes them, such as padded channels."""
        return self.trace.new_ids(count)

    def arguments(self) -> dict[str, Any]:
        """Return the call's arguments by name, `Channels` in place of tensors."""
        return inspect.signature(self.op.call).bind(*self.args, **self.kwargs).arguments

    def has(self, weight: str) -> bool:
        """Return whether the layer has a weight of this name."""
        return self._find(weight) is not None

    def _find(self, weight: str) -> Any | None:
        if weight in self._weights:
            return self._weights[weight]
        attribute = getattr(self.op, weight, None)  # all there is of a weight made without a name
        return next((w for w in self._weights.values() if w is attribute), None)

    def label(
        self,
        weight: str,
        *,
        reads: Mapping[int, Ids] | None = None,
        carries: Mapping[int, Ids] | None = None,
        times: int | None = 0,
    ) -> None:
        """Say which channels the entries of a weight belong to.

        Args:
            weight: the weight's name, as given to `add_weight`, or the layer's attribute.
            reads: {axis: ids} of the axes that multiply incoming channels.
            carries: {axis: ids} of the axes that follow the channels.
            times: how often one call multiplies by each entry (for MACs); None if unknown.

        Raises:
            PruningError: no such weight, or an axis of another length than its ids.
        """
        if not self.has(weight):
            raise PruningError(
                f"Rule for {type(self.op).__name__} {self.owner.name!r}: no weight {weight!r}; "
                f"the layer has {sorted(self._weights)}. Name one of them."
            )
        variable = self._find(weight)
        index = self.owner.index(variable)
        for axes, is_read in ((reads or {}, True), (carries or {}, False)):
            for axis, ids in axes.items():
                self._add_slot(Slot(index, axis % len(variable.shape), ids, is_read), variable)
                self._label_adapter(weight, axis % len(variable.shape), ids, is_read)
        if times != 0:
            self.owner.count({index: times})

    def factor(self, weight: str, change: Factor) -> None:
        """Say what a weight is to be multiplied by once channels are gone: `change(kept)`."""
        for part in (self._find(weight), self._find(f"lora_{weight}_b")):
            if part is not None:
                self.owner.factors[self.owner.index(part)] = change

    def _label_adapter(self, weight: str, axis: int, ids: Ids, is_read: bool) -> None:
        """Label the two thin matrices whose product Keras adds to a weight, if it has a LoRA."""
        is_last = axis == len(self._find(weight).shape) - 1
        half = self._find(f"lora_{weight}_{'b' if is_last else 'a'}")
        if half is not None:
            axis = 1 if is_last else axis
            self._add_slot(Slot(self.owner.index(half), axis, ids, is_read), half)

    def _add_slot(self, slot: Slot, variable: Any) -> None:
        size = variable.shape[slot.axis]
        if len(slot.ids) != size:
            raise PruningError(
                f"Rule for {type(self.op).__name__} {self.owner.name!r}: axis {slot.axis} of "
                f"{variable.name!r} has {size} entries, but {len(slot.ids)} channel ids were "
                "given. Label the axis whose length is the number of channels."
            )
        known = self.owner.slots.setdefault((slot.weight, slot.axis), slot)
        if known is not slot:  # a layer called again: both calls' channels share the weight
            self.unite(known.ids, slot.ids)

    def resize(self, **counts: Ids) -> None:
        """Say which arguments of the layer count channels, e.g. `filters=out`."""
        for key, ids in counts.items():
            self.edit(key, lambda value, kept, ids=ids: _resized(value, int(kept[ids].sum())))

    def edit(self, key: str, change: Edit) -> None:
        """Say how an argument of the layer follows what is kept: `change(value, kept)`."""
        self.owner.config_edits["/".join((*self.path, key))] = change

    def edit_call(self, change: Edit) -> None:
        """Say how this call is to be made anew: `change(operation, kept)` returns a callable."""
        self.owner.call_edits[-1] = change

    def read(self, ids: Ids, axis: int, place: int = 0) -> None:
        """Say that this call reads the channels of an input without having weights.

        Args:
            ids: of the channels.
            axis: along which they lie.
            place: of the input among those that the call is given in order.
        """
        call = len(self.owner.call_edits) - 1
        self.trace.readers.append(Reader(self.op, call, ids, axis, place))

    def unite(self, *ids: Ids) -> None:
        """Say that channels live or die together, element by element (shapes broadcast)."""
        for other in ids[1:]:
            self.trace.edges.append(np.broadcast_arrays(ids[0], other))

    def need(self, ids: Ids) -> None:
        """Say that at least one of these channels must stay, such as those of one half."""
        self.owner.parts.append(ids)

    def pin(self, ids: Ids | Channels, reason: str) -> None:
        """Say that channels must stay, and why."""
        ids = ids.ids if isinstance(ids, Channels) else ids
        self.trace.pins.append((ids, f"{self.owner.name}: {reason}"))

    def inexact(self, ids: Ids | Channels, reason: str) -> None:
        """Say that removing these channels changes what is computed from the others."""
        ids = ids.ids if isinstance(ids, Channels) else ids
        target = self.trace.inexact if self.trace.allow_inexact else self.trace.pins
        target.append((ids, f"{self.owner.name}: {reason}"))

    def output(self, line: Ids, axis: int = -1, index: int = 0) -> Channels:
        """Return the channels of an output whose ids [C] lie along one axis."""
        return spread(line, axis, self.outputs[index])

    def passed(self, x: Channels | None = None) -> Channels:
        """Return the first input's channels in the shape of the output, for a one-to-one map."""
        x = self.inputs[0] if x is None else x
        return Channels(x.ids, tuple(self.outputs[0]))


def _resized(value: Any, count: int) -> Any:
    return type(value)([count]) if isinstance(value, list | tuple) else count
