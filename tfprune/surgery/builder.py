"""Copy a model operation by operation, whole or with fewer channels: the one copier."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import keras
import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.channels import Channels
from tfprune.graph.keras_graph import (
    input_layer,
    is_graph,
    name_apart,
    nodes,
    read,
    replay,
)
from tfprune.graph.keras_private import functional, inner_layers
from tfprune.graph.layer_notes import Owner
from tfprune.surgery.layer_copies import (
    copy_assets,
    copy_layer,
    finish,
    start_from,
    take_adapters,
)
from tfprune.surgery.model_class import class_of_copy

_HALF = ("float16", "bfloat16")


def float32_if_half(model: keras.Model) -> str | None:
    """Return the dtype policy in which a model of half precision is compared and scored."""
    half = any(x.dtype_policy.compute_dtype in _HALF for x in inner_layers(model))
    return "float32" if half else None


Dtype: TypeAlias = str | Callable[[Any], str | None] | None


def copy_whole(graph: ChannelGraph, dtype: Dtype = None) -> keras.Model:
    """Return a copy of a graph's model with nothing cut, not compiled.

    Args:
        graph: channel graph of the model.
        dtype: dtype policy of every layer of the copy; by default each keeps its own.
    """
    return Builder(graph, np.ones(len(graph.unit), bool), dtype).build()


def duplicate_model(
    model: keras.Model,
    dtype: Dtype = None,
    *,
    shapes: Sequence[Sequence[int | None]] | None = None,
) -> keras.Model:
    """Return a copy of a model with nothing cut, not compiled, without analysing it.

    Args:
        model: a built functional or Sequential model.
        dtype: dtype policy of every layer of the copy, or what tells it of a layer; by default, or
            where it tells None, a layer keeps its own.
        shapes: shapes of the copy's inputs, the batch included; by default the model's own.

    Raises:
        PruningError: a layer that cannot be copied, or a weight that would need another shape.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> duplicate_model(model).count_params()
        8
    """
    owners = {str(i): Owner(x, x.name) for i, x in enumerate(_operations(model))}
    none = np.zeros(0, int)
    graph = ChannelGraph(model, owners, {}, none, none, {}, {}, (), {})
    return Builder(graph, np.zeros(0, bool), dtype, shapes).build()


def _operations(model: keras.Model) -> Iterator[Any]:
    for node in nodes(model):
        if is_graph(node.operation):
            yield from _operations(node.operation)
        else:
            yield node.operation


class Builder:
    """One copying of one model: which new operation stands for which old one.

    Args:
        graph: the model's channel graph.
        kept: which ids stay, bool [ids].
        dtype: dtype policy of every layer of the copy, or what tells it of a layer; by default, or
            where it tells None, a layer keeps its own.
        shapes: shapes of the copy's inputs; by default those of the graph's model.
    """

    def __init__(
        self,
        graph: ChannelGraph,
        kept: np.ndarray,
        dtype: Dtype = None,
        shapes: Sequence[Sequence[int | None]] | None = None,
    ):
        self.graph, self.kept, self.dtype, self.shapes = graph, kept, dtype, shapes
        self.owners = {id(owner.operation): owner for owner in graph.owners.values()}
        self.whole = kept.all()
        self.copies: dict[int, Any] = {}
        self.calls: dict[int, int] = {}
        self.started: dict[int, list[np.ndarray]] = {}  # values of layers not yet finished
        self.names = {owner.operation.name for owner in graph.owners.values()}

    def build(self) -> keras.Model:
        """Return the copy of the graph's model, not compiled."""
        model = self._model(self.graph.model)
        self._copy_flags(self.graph.model, model)
        return model

    def kept_weights(self, owner: Owner) -> list[np.ndarray]:
        """Return the values of a layer's weights in the copy."""
        weights = getattr(owner.operation, "weights", ())
        values = [self._compressed(owner, i, read(weight)) for i, weight in enumerate(weights)]
        for index, factor in self.factors(owner).items():
            values[index] = (values[index] * factor).astype(values[index].dtype)
        return values

    def compress(self, variable: Any, value: np.ndarray) -> np.ndarray:
        """Return what is kept of an array that belongs to a variable of the old model."""
        place = self._places.get(id(variable))
        return value if place is None else self._compressed(*place, value)

    @cached_property
    def _places(self) -> dict[int, tuple[Owner, int]]:
        """{id of a variable: its layer and its index there}."""
        return {
            id(weight): (owner, index)
            for owner in self.owners.values()
            for index, weight in enumerate(getattr(owner.operation, "weights", ()))
        }

    def edits(self, owner: Owner) -> Mapping[str, Any]:
        """Return the changes of a layer's arguments."""
        return {} if self.whole else owner.config_edits

    def factors(self, owner: Owner) -> Mapping[int, float]:
        """Return {index of a weight: what it is multiplied by} where that is not 1."""
        found = {} if self.whole else owner.factors
        factors = {index: change(self.kept) for index, change in found.items()}
        return {index: factor for index, factor in factors.items() if factor != 1}

    def call(self, owner: Owner, index: int, copy: Any, args: tuple, kwargs: dict) -> Any:
        """Make one call of the old model anew."""
        edit = None if self.whole else owner.call_edits[index]
        if edit is None:
            return copy(*args, **kwargs)
        outputs = edit(copy, self.kept)(*args, **kwargs)
        name_apart(outputs, (args, kwargs), copy, self.names)
        return outputs

    def shape(self, x: Channels) -> Sequence[int | None]:
        """Return the shape of what stands for a tensor in the copy."""
        return x.sizes(self.kept)

    def _compressed(self, owner: Owner, index: int, value: np.ndarray) -> np.ndarray:
        for (weight, axis), slot in sorted(owner.slots.items()):
            if weight == index:
                left = self.kept[slot.ids]
                value = value if left.all() else value.compress(left, axis=axis)
        return value

    def _model(self, model: keras.Model) -> keras.Model:
        inputs = self._inputs(model)
        if isinstance(model, keras.Sequential) and not any(map(self._is_cut, model.layers)):
            layers = [self._copy(layer) for layer in model.layers]
            copy = class_of_copy(model, keras.Sequential)([*inputs, *layers], name=model.name)
        else:
            outputs = replay(model, [layer.output for layer in inputs], self._call)
            structure = functional(model).input
            inputs = keras.tree.pack_sequence_as(structure, [layer.output for layer in inputs])
            copy = class_of_copy(model, keras.Model)(inputs, outputs, name=model.name)
        self._finish(model, copy)
        return copy

    def _inputs(self, model: keras.Model) -> list[keras.layers.InputLayer]:
        outermost = model is self.graph.model and self.shapes is not None
        shapes = list(self.shapes) if outermost else [tuple(x.shape) for x in model.inputs]
        for i, x in enumerate(self.graph.nested.get(id(model), ())):
            left = self.shape(x)
            shapes[i] = [None if old is None else n for old, n in zip(shapes[i], left, strict=True)]
        return [input_layer(x, shape) for x, shape in zip(model.inputs, shapes, strict=True)]

    def _is_cut(self, layer: Any) -> bool:
        """Return whether a layer's call is written anew, which a Sequential cannot do."""
        owner = self.owners.get(id(layer))
        return owner is not None and any(edit is not None for edit in owner.call_edits)

    def _copy(self, operation: Any) -> Any:
        if id(operation) not in self.copies:
            new = self._model(operation) if is_graph(operation) else self._new(operation)
            self.copies[id(operation)] = new
        return self.copies[id(operation)]

    def _new(self, operation: Any) -> Any:
        owner = self.owners[id(operation)]
        dtype = self.dtype(operation) if callable(self.dtype) else self.dtype
        copy = copy_layer(operation, self.edits(owner), self.kept, dtype)
        weights = getattr(operation, "weights", ())
        if weights:
            self.started[id(operation)] = values = self.kept_weights(owner)
            if not copy.built:
                start_from(copy, [weight.name for weight in weights], values)
        return copy

    def _call(self, operation: Any, args: tuple, kwargs: dict) -> Any:
        copy = self._copy(operation)
        if is_graph(operation):
            return copy(*args, **kwargs)
        index = self.calls.get(id(operation), 0)
        self.calls[id(operation)] = index + 1
        return self.call(self.owners[id(operation)], index, copy, args, kwargs)

    def _finish(self, model: keras.Model, copy: keras.Model) -> None:
        for layer in model.layers:
            new = self.copies.get(id(layer))
            if new is None:  # an input layer
                continue
            if id(layer) in self.started:
                take_adapters(layer, new)
                finish(new, self.started.pop(id(layer)))
            if hasattr(layer, "save_assets"):
                copy_assets(layer, new)

    def _copy_flags(self, model: keras.Model, copy: keras.Model) -> None:
        """Set the `trainable` flags from the outside inwards: an outer one sets all within."""
        if copy.trainable != model.trainable:
            copy.trainable = model.trainable
        for layer in model.layers:
            new = self.copies.get(id(layer), copy)
            if is_graph(layer):
                self._copy_flags(layer, new)
            elif new is not copy and new.trainable != layer.trainable:
                new.trainable = layer.trainable
