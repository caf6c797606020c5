"""The layers of a model that multiply, each with what a runtime computes in one go with it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.layer_calls import LayerCall, calls
from tfprune.graph.layer_notes import Owner
from tfprune.graph.rules import has_role
from tfprune.surgery.layer_copies import copy_layer

_FUSED = ("normalisation", "activation")


@dataclass(frozen=True, eq=False)
class Block:
    """A layer with a kernel, and the normalisation and activation that alone read it.

    Args:
        graph: channel graph of the model.
        owner: the layer.
        axes: of each axis of its kernels the ids that lie along it, one of each unit: the widths
            that its time depends on.
        after: what follows it.
        calls: how often the model calls it.
    """

    graph: ChannelGraph
    owner: Owner
    axes: tuple[np.ndarray, ...]
    after: tuple[Any, ...]
    calls: int

    @property
    def widths(self) -> tuple[int, ...]:
        """The whole width of each axis."""
        return tuple(map(len, self.axes))

    @property
    def free(self) -> tuple[bool, ...]:
        """Whether each axis can shrink."""
        pinned = self.graph.is_pinned
        return tuple(not pinned[self.graph.unit[ids]].all() for ids in self.axes)

    def model(self, sizes: Sequence[int]) -> keras.Model:
        """Return the block as a model of its own, with new weights.

        Args:
            sizes: of each axis how many units stay.
        """
        gone = np.zeros(len(self.graph.is_pinned), bool)
        for ids, size in zip(self.axes, sizes, strict=True):
            gone[self.graph.unit[ids[size:]]] = True
        gone &= ~self.graph.is_pinned
        kept = self.graph.kept(gone)
        layer = copy_layer(
            self.owner.operation, self.owner.config_edits if gone.any() else {}, kept
        )
        inputs = [
            keras.Input(x.sizes(kept)[1:], dtype=layer.compute_dtype, name=f"input_{place}")
            for place, x in enumerate(self.owner.inputs)
        ]
        edit = next(iter(self.owner.call_edits), None)
        x = (layer if edit is None or kept.all() else edit(layer, kept))(*inputs)
        for operation in self.after:
            x = copy_layer(operation, {}, np.ones(len(kept), bool))(x)
        return keras.Model(inputs, x, name="block")

    def empty(self, sizes: Sequence[int]) -> keras.Model:
        """Return a model that takes what the block takes and computes next to nothing.

        Its time is what a call costs: starting it, and handing over inputs and outputs.

        Args:
            sizes: as for `model`.
        """
        (x, *_) = self.model(sizes).inputs
        again = keras.Input(x.shape[1:], dtype=x.dtype, name=x.name)
        return keras.Model(again, again[..., :1], name="block")

    def signature(self) -> str:
        """Return what tells blocks apart that take different times."""
        configs = [_nameless(x) for x in (self.owner.operation, *self.after)]
        shapes = [list(x.shape) for x in self.owner.inputs]
        return json.dumps([shapes, self.widths, self.free, configs], default=str)


def blocks(graph: ChannelGraph) -> dict[str, Block]:
    """Return the blocks of a model by the name of their layer.

    Layers without kernels outside of them, such as sums and poolings, belong to none.

    Args:
        graph: channel graph of the model.

    Raises:
        PruningError: maps of unknown size.

    Example:
        >>> import tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
        ...                           keras.layers.ReLU(), keras.layers.Dense(2, name="head")])
        >>> blocks(tfprune.analyse(model))["head"].widths
        (3, 2)
    """
    called = list(calls(graph.model))
    readers: dict[int, list[LayerCall]] = {}
    for call in called:
        for tensor in call.inputs:
            readers.setdefault(id(tensor), []).append(call)
    found = {}
    for name, owner in graph.owners.items():
        own = [call for call in called if call.operation is owner.operation]
        if not own or (not any(owner.times.values()) and None not in owner.times.values()):
            continue
        if any(None in x.shape[1:] for x in owner.inputs):
            raise PruningError(
                f"latency: layer {name!r} works on maps of unknown size, {owner.inputs[0].shape}. "
                "Build the model with a fixed input size, or pass input_shape=."
            )
        after = tuple(_following(own[0], readers)) if len(own) == 1 else ()
        found[name] = Block(graph, owner, tuple(_axes(graph, owner)), after, len(own))
    return found


def _axes(graph: ChannelGraph, owner: Owner) -> Iterator[np.ndarray]:
    """Yield one id of each unit along each axis of the kernels; axes of the same units once.

    What is pinned goes by its ids, since it may be one unit, and comes first: the last go first.
    """
    seen = set()
    for slot in owner.slots.values():
        if slot.weight in owner.times and not graph.waits[graph.unit[slot.ids]].all():
            units, pinned = graph.unit[slot.ids], graph.is_pinned[graph.unit[slot.ids]]
            names = np.where(pinned, -1 - slot.ids, units)
            own, first = np.unique(names, return_index=True)
            if own.tobytes() not in seen:
                seen.add(own.tobytes())
                order = np.sort(first)
                yield slot.ids[np.concatenate([order[pinned[order]], order[~pinned[order]]])]


def _following(call: LayerCall, readers: dict[int, list[LayerCall]]) -> Iterator[Any]:
    while len(call.outputs) == 1 and len(readers.get(id(call.outputs[0]), ())) == 1:
        (call,) = readers[id(call.outputs[0])]
        if len(call.inputs) != 1 or not any(has_role(call.operation, role) for role in _FUSED):
            return
        yield call.operation


def _nameless(operation: Any) -> Any:
    try:
        config = operation.get_config()
    except NotImplementedError:  # a plain operation
        config = {}
    return [type(operation).__name__, {k: v for k, v in config.items() if k != "name"}]
