"""Run a model's calls on symbolic tensors, down to layers that a rule describes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tfprune.graph.keras_graph import is_graph, read, rename, replay
from tfprune.graph.keras_private import maker, outside_calls, takes_training
from tfprune.graph.memory_copies import uncalled_copy
from tfprune.graph.opening.names import Names, label, labels
from tfprune.graph.opening.refusals import NotOpenedError, reason
from tfprune.graph.opening.sizes import Sizes
from tfprune.graph.opening.steps import is_stepped, on_all_steps
from tfprune.graph.opening.stock import (
    dense,
    dropout_for,
    in_safe_order,
    is_matrix_product,
    is_table,
    nameless_function,
    settle,
    table,
)
from tfprune.graph.opening.symbolic import (
    call_layer,
    call_operation,
    complete,
    histories,
    restore,
)
from tfprune.graph.opening.training import BranchError, Training
from tfprune.graph.opening.twins import open_twin
from tfprune.graph.opening.variables import owners
from tfprune.graph.rules import has_role, has_rule

# Operations that call functions: loops, and branches by the data.
_HOLDING_CODE = """AssociativeScan Cond ForiLoop Map Scan Switch VectorizedMap WhileLoop""".split()


def is_composite(operation: Any) -> bool:
    """Return whether a layer is to be opened: it is no stock layer, and no rule describes it.

    A TimeDistributed is what its inner layer is.
    """
    if is_stepped(operation):
        return isinstance(operation.layer, keras.Model) or is_composite(operation.layer)
    if not isinstance(operation, keras.Layer) or has_rule(operation):
        return False
    return isinstance(operation, keras.Model) or not type(operation).__module__.startswith("keras.")


@dataclass
class _Room:
    """A composite layer whose call is running, and how its parts are named."""

    layer: keras.Layer
    prefix: tuple[str, ...] = ()
    given: dict[int, str] = field(default_factory=dict)


class Tracer:
    """One trace of one model.

    Args:
        model: the model; it is not changed.
        sizes: what stands for its open sizes.
        closed: tells of a layer's name whether it is to be left whole.
        strict: refuse a layer that cannot be opened; else it is left whole.
        shared: ids of weights that are read in several ways, so that no layer may hold them as its
            own: they become tables, and the stock layers that have them are opened too.
    """

    def __init__(
        self,
        model: keras.Model,
        sizes: Sizes,
        closed: Callable[[str], bool],
        *,
        strict: bool,
        shared: frozenset[int] = frozenset(),
    ):
        self.model, self.sizes, self.closed, self.strict = model, sizes, closed, strict
        self.busy = False  # while Keras works by itself
        self.names = Names()
        self.reasons: dict[str, str] = {}  # of the layers that are left whole
        self.branching: list[str] = []
        self.opened = 0  # composite layers, and the model itself if it is one
        self._twins: dict[int, tuple[Any, Any]] = {}  # the originals are held, lest ids return
        self._weights: dict[int, tuple[Any, Any]] = {}
        self._tables: dict[int, tuple[Any, tuple[str, ...], keras.Layer]] = {}  # by the tensor
        self.shared = shared
        self._kernels: set[int] = set()  # ids of weights that became kernels
        self._read_plainly: set[int] = set()
        self._borrowed: set[int] = set()  # weights of layers, read by others
        self._called_with: set[int] = set()  # weights of the layers that stay as they are
        self._owners = owners(model)
        self._rooms: list[_Room] = []
        self._within: dict[int, keras.Layer] = {}

    def run(self, args: tuple, kwargs: dict) -> Any:
        """Return the model's outputs, nested as it returns them.

        Args:
            args: symbolic tensors, nested as the model takes them.
            kwargs: those that it takes by name.
        """
        self._rooms = [_Room(self.model, (), labels(self.model))]
        if is_graph(self.model):
            flat = keras.tree.flatten(args)
            with outside_calls():
                return replay(self.model, flat, lambda op, args, kwargs: op(*args, **kwargs))
        return self._opened(self.model, args, kwargs, self._rooms[0])

    def needs_sharing(self) -> set[int]:
        """Return the ids of weights that two layers hold: one weight is not to become two."""
        return self._kernels & self._read_plainly | self._borrowed & self._called_with

    def unreached(self) -> list[str]:
        """Return the paths of weights to be trained that no call has read."""
        reached = self._called_with | set(self._weights)
        return [x.path for x in self.model.trainable_weights if id(x) not in reached]

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let Keras work by itself."""
        before, self.busy = self.busy, True
        try:
            with outside_calls():
                yield
        finally:
            self.busy = before

    def layer(self, layer: keras.Layer, args: tuple, kwargs: dict) -> Any:
        """Trace the call of a layer."""
        kwargs = {k: v for k, v in kwargs.items() if not isinstance(v, Training)}
        args, kwargs = keras.tree.map_structure(self._tensor, (args, kwargs))
        room = self._rooms[-1]
        if not (is_composite(layer) or is_graph(layer) or self._is_shared(layer)):
            self._note_plain((args, kwargs))
            # One made with a policy's object has no config, so that no file could hold it.
            nothing = has_role(layer, "identity") and not is_graph(room.layer)
            if nothing:
                return args[0]
            function = nameless_function(layer)
            return self._called(layer, args, kwargs) if function is None else function(*args)
        name = self._label(layer)
        path = ".".join((*room.prefix, name))
        if self.closed(path):
            return self._called(layer, args, kwargs)
        known = set(self._twins)
        inner = _Room(layer, (*room.prefix, name), labels(layer))
        try:
            self._note_plain((args, kwargs))
            outputs = self._opened(layer, args, kwargs, inner)
            self.opened += is_composite(layer)
            return outputs
        except NotOpenedError:
            raise
        except Exception as error:  # whatever a call raises on tensors without numbers
            if self.strict or not layer.built:
                raise self.refused(layer, error, path) from error
            self._give_up(known)
            self.reasons[path] = reason(error)
            return self._called(layer, args, kwargs)

    def _is_shared(self, layer: keras.Layer) -> bool:
        return any(id(weight) in self.shared for weight in layer.weights)

    def refused(self, layer: Any, error: Exception, path: str = "") -> NotOpenedError:
        """Return the error that says which layer cannot be opened, where and why."""
        return NotOpenedError.of(layer, path or layer.name, error)

    def operation(self, operation: Any, args: tuple, kwargs: dict) -> Any:
        """Trace the call of an operation."""
        if (kind := type(operation).__name__) in _HOLDING_CODE:
            self.touched(f"runs code of its own within {kind}, which no file could hold")
        args, kwargs = keras.tree.map_structure(self._tensor, (args, kwargs))
        if is_matrix_product(operation) and (dense := self._dense(*args)) is not None:
            return self._called(dense, args[:1], {})
        args = in_safe_order(operation, args)
        self._note_plain(args)
        other = self.sizes.rewritten(operation, args)
        if other is not NotImplemented:
            return other
        return self._called(operation, args, kwargs)

    def symbolic(self, values: Any) -> Any:
        """Return the constants among values as tensors that hang on the model's inputs."""

        def hung(value: Any) -> Any:
            if not keras.ops.is_tensor(value) and not isinstance(value, np.ndarray):
                return value
            return keras.ops.add(value, keras.ops.cast(self._zero(), value.dtype))

        return keras.tree.map_structure(hung, values)

    def _zero(self) -> Any:
        self._rooms.append(_Room(self.model, ("zero",)))
        try:
            return self.sizes.zero()
        finally:
            self._rooms.pop()

    def _dense(self, x: Any, matrix: Any) -> keras.layers.Layer | None:
        """Return the Dense layer that multiplies by a weight that nothing else reads."""
        if id(matrix) not in self._tables or not isinstance(x, keras.KerasTensor):
            return None
        variable, path, owner = self._tables[id(matrix)]
        if len(variable.shape) != 2 or len(x.shape) < 2 or id(variable) in self.shared:
            return None
        self._kernels.add(id(variable))
        key = -id(variable)  # beside the table's
        if key not in self._weights:
            holder = maker(matrix)  # it makes room for the name
            self.names.forget({holder.name})
            label = self.names.unique(*path)
            rename(holder, self.names.unique(f"{label}_table"))
            with self.working():
                made = dense(read(variable), variable, label, owner)
            self._weights[key] = variable, made
            self._twins[id(made)] = made, made
        return self._weights[key][1]

    def _note_plain(self, args: tuple) -> None:
        """Remember weights that are read in another way than as the matrix of a product."""
        for x in keras.tree.flatten(args):
            if id(x) in self._tables:
                self._read_plainly.add(id(self._tables[id(x)][0]))

    def touched(self, what: str) -> None:
        """Refuse what would be frozen, or changed, by the trace."""
        raise RuntimeError(what)

    def made(self, name: str, make: Callable, args: tuple, kwargs: dict) -> Any:
        """Trace a constant that a call makes."""
        return self.sizes.made(name, make, args, kwargs)

    def _called(self, operation: Any, args: tuple, kwargs: dict) -> Any:
        """Note one call of what stays as it is."""
        twin = self._twin(operation)
        with self.working():
            if isinstance(operation, keras.Layer):
                self._called_with.update(map(id, operation.weights))
                outputs = call_layer(twin, *args, **kwargs)
                if self.sizes.all_stand_in:
                    complete(outputs, twin.call, args, kwargs)
                    settle(twin, outputs, self.sizes.is_open)
                return outputs
            return call_operation(twin, *args, **kwargs)

    def _twin(self, operation: Any) -> Any:
        if id(operation) not in self._twins:
            path = (*self._rooms[-1].prefix, self._label(operation))
            twin = uncalled_copy(operation, name=self.names.unique(*path))
            self._twins[id(operation)] = operation, twin
        return self._twins[id(operation)][1]

    def _label(self, operation: Any) -> str:
        """Return what an operation is called; what no layer of one's own holds keeps its name."""
        room = self._rooms[-1]
        if not room.prefix and is_graph(room.layer):
            return operation.name
        return label(operation, room.given)

    def _opened(self, layer: keras.Layer, args: tuple, kwargs: dict, room: _Room) -> Any:
        """Trace what a composite layer's call does, as far as it can be seen."""
        count, known = len(self._rooms), set(self._twins)
        self._rooms.append(room)
        try:
            return self._traced(layer, args, kwargs, Training())
        except BranchError:
            del self._rooms[count + 1 :]
            self._give_up(known)
            dropping = self._dropping(layer, args, (room.prefix or (layer.name,))[-1])
            if dropping is not None:
                self._rooms.pop()
                return self._called(dropping, args[:1], {})
            self.branching.append(".".join(room.prefix) or layer.name)
            return self._traced(layer, args, kwargs, Training(decided=True))
        finally:
            del self._rooms[count:]

    def _give_up(self, known: set[int]) -> None:
        """Forget the operations that were noted since; layers are found again by the next try."""
        for key in set(self._twins) - known:
            operation, twin = self._twins[key]
            if not isinstance(operation, keras.Layer):
                del self._twins[key]
                self.names.forget({twin.name})

    def _dropping(self, layer: keras.Layer, args: tuple, name: str) -> keras.Layer | None:
        """Return what stands for a layer that drops samples; one for all its calls."""
        key = id(layer)
        if key not in self._weights:
            single = len(args) == 1 and isinstance(args[0], keras.KerasTensor)
            found = None
            if single and not layer.trainable_weights:
                with self.working():
                    found = dropout_for(layer, args[0].shape, name)
            self._weights[key] = layer, found
        return self._weights[key][1]

    def _traced(self, layer: keras.Layer, args: tuple, kwargs: dict, training: Training) -> Any:
        found: dict[str, Any] = {}

        def run(*inner: Any, **named: Any) -> Any:
            if is_graph(layer):
                data = {k: v for k, v in named.items() if k not in ("mask", "training")}
                flat = [x for x in keras.tree.flatten((inner, data)) if x is not None]
                out = replay(layer, flat, lambda op, a, k: op(*a, **k))
            elif is_stepped(layer):
                out = on_all_steps(layer, *inner, mask=named.get("mask"))
            else:
                out = twin.call(*inner, **named)
            found["outputs"], found["calls"] = out, histories(out)
            return [x for x, _ in found["calls"]] if _is_mixed(out) else out

        def weight(variable: Any, name: str) -> Any:
            return self.weight(variable, name, layer)

        twin = open_twin(layer, weight, run)
        if takes_training(layer) and kwargs.get("training") is None:
            kwargs = {**kwargs, "training": training}
        elif not is_graph(layer):
            kwargs = {k: v for k, v in kwargs.items() if v is not None or k != "training"}
        call_layer(twin, *args, **kwargs)
        restore(found["calls"])
        return found["outputs"]

    def _tensor(self, value: Any) -> Any:
        """Return a symbolic tensor in place of a weight that is passed to a call."""
        return self.symbol(value) if isinstance(value, keras.Variable) else value

    def symbol(self, variable: Any) -> Any:
        """Return the symbolic tensor that stands for a weight, whichever layer made it."""
        here = self._rooms[-1].layer
        owner = self._owners.get(id(variable), here)
        if id(variable) not in self._weights and is_table(owner):
            self._weights[id(variable)] = variable, self._rows(owner, owner.input_dim)
        if not is_table(owner):
            self._borrowed.add(id(variable))
        place = () if owner is here else (self._label(owner),)
        return self.weight(variable, variable.name, owner, place)

    def weight(
        self, variable: Any, name: str, owner: keras.Layer, place: tuple[str, ...] = ()
    ) -> Any:
        """Return a symbolic tensor for a layer's own weight: a stock layer holds it.

        An Embedding is asked for all its rows; the weight's last axis are its columns. Whole
        numbers and truth values are no parameters: they become constants.

        Args:
            variable: the weight.
            name: what its layer calls it.
            owner: its layer.
            place: names of the layers that lie between the call that is traced and the owner.
        """
        if id(variable) not in self._weights:
            with self.working():
                value = read(variable)
            if "float" in variable.dtype:
                path = (*self._rooms[-1].prefix, *place, name.strip("_"))
                value = self._held(variable, value, path, owner)
            self._weights[id(variable)] = variable, value
        return self._weights[id(variable)][1]

    def _held(
        self, variable: Any, value: np.ndarray, path: tuple[str, ...], owner: keras.Layer
    ) -> Any:
        with self.working():
            holder = table(value, variable, self.names.unique(*path), owner)
        self._twins[id(holder)] = holder, holder
        rows = self._rows(holder, holder.input_dim)
        if rows.shape != value.shape:
            return keras.ops.reshape(rows, value.shape)
        self._tables[id(rows)] = variable, path, owner
        return rows

    def _rows(self, holder: keras.Layer, count: int) -> Any:
        """Return all rows of a table."""
        places = keras.ops.add(self._zero(), np.arange(count, dtype="int32"))
        return self._called(holder, (places,), {})


def _is_mixed(outputs: Any) -> bool:
    """Return whether a call returns other things beside tensors, such as a None."""
    return not all(isinstance(x, keras.KerasTensor) for x in keras.tree.flatten(outputs))


def weight_sizes(model: keras.Model) -> set[int]:
    """Return the sizes of a model's weights."""
    return {int(n) for weight in model.weights for n in weight.shape}
