"""An original and its pruned copy, layer by layer, with the activations taken off."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import keras
import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.channels import Channels
from tfprune.passes.attention import Lines, copies_of_parts
from tfprune.passes.tape import Step
from tfprune.reconstruction import forms
from tfprune.surgery.builder import Builder


class Pair:
    """Copies of an original model and of what keep masks leave of it, which nobody else uses.

    Args:
        graph: channel graph of the original, perhaps with the parts of its attentions.
        kept: which ids stay, bool [ids].
        dtype: dtype policy of both; by default each layer keeps its own.
    """

    def __init__(self, graph: ChannelGraph, kept: np.ndarray, dtype: str | None = None):
        self.owners = {id(owner.operation): owner for owner in graph.owners.values()}
        self.kept = kept
        self._whole = Builder(graph, np.ones(len(graph.unit), bool), dtype)
        self._cut = Builder(graph, kept, dtype)
        self.original, self.small = self._whole.build(), self._cut.build()
        for builder in (self._whole, self._cut):
            builder.copies.update(copies_of_parts(graph, builder.copies))

    @cached_property
    def forms(self) -> Mapping[int, forms.Form]:
        """{id of an operation of the original model: how its pruned copy is a matrix}."""
        found = {key: forms.find(copy) for key, copy in self._cut.copies.items()}
        return {key: form for key, form in found.items() if form is not None}

    @cached_property
    def activations(self) -> Mapping[int, Any]:
        """{id of an operation: the activation that was taken off both copies of it}."""
        found = {}
        for key in self.forms:
            copies = self._whole.copies[key], self._cut.copies[key]
            activation = getattr(copies[1], "activation", keras.activations.linear)
            if activation is not keras.activations.linear:
                found[key] = activation
                for copy in copies:
                    copy.activation = keras.activations.linear
        return found

    def has_kernel(self, operation: Any) -> bool:
        """Tell whether an operation of the original is a layer whose kernel can be solved anew."""
        form = self.forms.get(id(operation))
        return form is not None and form.has_kernel

    def copy(self, step: Step) -> Any:
        """Return the pruned copy of a call's layer."""
        return self._cut.copies[id(step.operation)]

    def call_original(self, step: Step, args: tuple, kwargs: dict) -> Any:
        """Make a call of the original model."""
        return self.activated(step, self.raw_original(step, args, kwargs))

    def call_small(self, step: Step, args: tuple, kwargs: dict) -> Any:
        """Make a call of the pruned model."""
        return self.activated(step, self.raw_small(step, args, kwargs))

    def raw_original(self, step: Step, args: tuple, kwargs: dict) -> Any:
        """Make a call of the original model, without the layer's own activation."""
        return self._whole.copies[id(step.operation)](*args, **kwargs)

    def raw_small(self, step: Step, args: tuple, kwargs: dict) -> Any:
        """Make a call of the pruned model, without the layer's own activation."""
        owner = self.owners[id(step.operation)]
        index = step.call % len(owner.call_edits)  # of a model called again, the first call's
        edit, copy = owner.call_edits[index], self.copy(step)
        if edit is not None and not self.kept.all():
            copy = edit(copy, self.kept)
        return copy(*args, **kwargs)

    def output_left(self, step: Step, tensor: np.ndarray) -> np.ndarray:
        """Return what the pruned model has of a call's output in the original."""
        owner = self.owners[id(step.operation)]
        left = _left(tensor, owner.outputs[step.call % len(owner.outputs)][0], self.kept)
        # A layer whose weights are all multiplied by a number makes so much more.
        factor = next(iter(self._cut.factors(owner).values()), 1)
        return left if factor == 1 else (left * factor).astype(left.dtype)

    def input_left(self, step: Step, tensor: np.ndarray) -> np.ndarray:
        """Return what the pruned model has of a call's first input in the original."""
        return _left(tensor, self.owners[id(step.operation)].inputs[0], self.kept)

    def activated(self, step: Step, raw: Any) -> Any:
        """Return what a call gives, from what it gave without the layer's own activation."""
        activation = self.activations.get(id(step.operation))
        return raw if activation is None else activation(raw)


def _left(tensor: np.ndarray, channels: Channels | Lines, kept: np.ndarray) -> np.ndarray:
    for axis in channels.varying:
        left = channels.kept_along(axis, kept)
        tensor = tensor if left.all() else tensor.compress(left, axis=axis)
    return tensor
