"""Weights that composite layers own: each becomes the weight of a stock layer."""

from collections.abc import Set
from typing import Any

import keras
import numpy as np

from tfprune.graph.keras_graph import read, rename
from tfprune.graph.keras_private import maker
from tfprune.graph.opening.kept_calls import KeptCalls
from tfprune.graph.opening.stock import dense, is_table, table
from tfprune.graph.opening.variables import owners


class Weights:
    """The weights that are read by calls, and which layer holds each.

    An Embedding is asked for all its rows; a matrix that is only multiplied by becomes the kernel
    of a Dense.

    Args:
        model: the model that is opened; it is not changed.
        calls: where the new layers are called.
        shared: ids of weights that are read in several ways, so that no layer may hold them as its
            own: they become tables.
    """

    def __init__(self, model: keras.Model, calls: KeptCalls, shared: Set[int]):
        self.calls, self.scopes, self.shared = calls, calls.scopes, shared
        self._owners = owners(model)
        self._tensors: dict[int, tuple[Any, Any]] = {}  # with the weight, lest its id returns
        self._dense: dict[int, keras.layers.Layer] = {}  # by the weight
        self._tables: dict[int, tuple[Any, tuple[str, ...], keras.Layer]] = {}  # by the tensor
        self._read_plainly: set[int] = set()
        self._borrowed: set[int] = set()  # weights of layers, read by others

    def held_twice(self) -> set[int]:
        """Return the ids of weights that two layers hold: one weight is not to become two."""
        return self._dense.keys() & self._read_plainly | self._borrowed & self.calls.weights

    def unread(self, model: keras.Model) -> list[str]:
        """Return the paths of weights to be trained that no call has read."""
        read = self.calls.weights | set(self._tensors)
        return [x.path for x in model.trainable_weights if id(x) not in read]

    def are_shared(self, layer: keras.Layer) -> bool:
        """Return whether a layer has weights that no layer may hold as its own."""
        return any(id(weight) in self.shared for weight in layer.weights)

    def tensor(self, variable: Any) -> Any:
        """Return the symbolic tensor that stands for a weight, whichever layer made it."""
        here = self.scopes.current.layer
        owner = self._owners.get(id(variable), here)
        if id(variable) not in self._tensors and is_table(owner):
            self._tensors[id(variable)] = variable, self._rows(owner, owner.input_dim)
        if not is_table(owner):
            self._borrowed.add(id(variable))
        place = () if owner is here else (self.scopes.label(owner),)
        return self.own_tensor(variable, variable.name, owner, place)

    def own_tensor(
        self, variable: Any, name: str, owner: keras.Layer, place: tuple[str, ...] = ()
    ) -> Any:
        """Return the symbolic tensor that stands for a layer's own weight.

        Whole numbers and truth values are no parameters: they become constants.

        Args:
            variable: the weight.
            name: what its layer calls it.
            owner: its layer.
            place: names of the layers that lie between the call that is traced and the owner.
        """
        if id(variable) not in self._tensors:
            with self.calls.working():
                value = read(variable)
            if "float" in variable.dtype:
                path = (*self.scopes.current.prefix, *place, name.strip("_"))
                value = self._in_table(variable, value, path, owner)
            self._tensors[id(variable)] = variable, value
        return self._tensors[id(variable)][1]

    def _in_table(
        self, variable: Any, value: np.ndarray, path: tuple[str, ...], owner: keras.Layer
    ) -> Any:
        """Return all rows of a new Embedding: the weight's last axis are its columns."""
        with self.calls.working():
            holder = table(value, variable, self.calls.names.unique(*path), owner)
        self.calls.adopt(holder)
        rows = self._rows(holder, holder.input_dim)
        if rows.shape != value.shape:
            return keras.ops.reshape(rows, value.shape)
        self._tables[id(rows)] = variable, path, owner
        return rows

    def _rows(self, holder: keras.Layer, count: int) -> Any:
        places = keras.ops.add(self.calls.zero(), np.arange(count, dtype="int32"))
        return self.calls.call(holder, (places,), {})

    def note_read(self, args: Any) -> None:
        """Remember weights that are read in another way than as the matrix of a product."""
        tables = [self._tables[id(x)] for x in keras.tree.flatten(args) if id(x) in self._tables]
        self._read_plainly.update(id(variable) for variable, _, _ in tables)

    def dense_for(self, x: Any, matrix: Any) -> keras.layers.Layer | None:
        """Return the Dense that stands for a product, or None where the matrix is no weight.

        Args:
            x: what is multiplied.
            matrix: by what.
        """
        if id(matrix) not in self._tables or not isinstance(x, keras.KerasTensor):
            return None
        variable, path, owner = self._tables[id(matrix)]
        if len(variable.shape) != 2 or len(x.shape) < 2 or id(variable) in self.shared:
            return None
        if id(variable) not in self._dense:
            self._dense[id(variable)] = self._dense_of(variable, maker(matrix), path, owner)
        return self._dense[id(variable)]

    def _dense_of(
        self, variable: Any, holder: Any, path: tuple[str, ...], owner: keras.Layer
    ) -> keras.layers.Layer:
        names = self.calls.names
        names.forget({holder.name})  # the table makes room for the name
        label = names.unique(*path)
        rename(holder, names.unique(f"{label}_table"))
        with self.calls.working():
            made = dense(read(variable), variable, label, owner)
        self.calls.adopt(made)
        return made


def weight_sizes(model: keras.Model) -> set[int]:
    """Return the sizes of a model's weights."""
    return {int(n) for weight in model.weights for n in weight.shape}
