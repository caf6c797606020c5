"""What a model takes: shapes, dtypes, names and nesting of its inputs."""

import inspect
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import is_graph
from tfprune.graph.keras_private import built_shapes, functional, maker


@dataclass(frozen=True)
class ModelInputs:
    """The inputs of a model.

    Args:
        structure: symbolic tensors, nested as the model takes them.
        names: of the flat tensors.
        by_name: whether the structure is a dictionary of the call's arguments, as of a subclassed
            model whose call takes several tensors.
        groups: of each flat tensor, with which others its open length is the same; () where all
            are alike.
    """

    structure: Any
    names: tuple[str, ...]
    by_name: bool = False
    groups: tuple[int, ...] = ()

    @property
    def flat(self) -> list[keras.KerasTensor]:
        """The flat tensors."""
        return keras.tree.flatten(self.structure)

    @property
    def has_open_sizes(self) -> bool:
        """Whether more than the batch is open."""
        return any(None in x.shape[1:] for x in self.flat)

    def nested(self, flat: Sequence[Any]) -> Any:
        """Return flat values, nested as the model takes them."""
        return keras.tree.pack_sequence_as(self.structure, list(flat))

    def arguments(self, nested: Any) -> tuple[tuple, dict[str, Any]]:
        """Return nested values as the arguments that the model's call takes."""
        return ((), nested) if self.by_name else ((nested,), {})

    def left_out(self, model: keras.Model) -> list[str]:
        """Return what else a subclassed model's call may be given."""
        if is_graph(model):
            return []
        return [name for name in _parameters(model) if name not in self.given(model)]

    def given(self, model: keras.Model) -> list[str]:
        """Return the arguments of a subclassed model's call that the tensors are."""
        names = list(_parameters(model))
        return [name for name in names if name in self.structure] if self.by_name else names[:1]


def inputs_of(model: keras.Model, inputs: Any = None) -> ModelInputs:
    """Return what a model takes.

    Args:
        model: a built model.
        inputs: given by the user, as for `tfprune.open_up`; None: what the model was built for.

    Raises:
        PruningError: a subclassed model that was not built for shapes that are known.
    """
    by_name = False
    if inputs is not None:
        structure = keras.tree.map_structure(_symbol, inputs)
        by_name = not is_graph(model) and _names_arguments(model, inputs)
    elif is_graph(model):
        structure = functional(model).input
    else:
        structure, by_name = _built_for(model)
    _require_all(model, structure if by_name else [None])
    return ModelInputs(structure, tuple(_names(model, structure)), by_name)


def _parameters(model: keras.Model) -> dict[str, bool]:
    """Return {argument of a subclassed model's call: whether it must be given}."""
    parameters = inspect.signature(model.call).parameters.values()
    named = [x for x in parameters if x.kind in (x.POSITIONAL_OR_KEYWORD, x.KEYWORD_ONLY)]
    tensors = [x for x in named if x.name not in ("training", "mask")]
    return {x.name: x.default is x.empty for x in tensors}


def _names_arguments(model: keras.Model, inputs: Any) -> bool:
    """Return whether given inputs are the arguments of a call by their names."""
    parameters = _parameters(model)
    return isinstance(inputs, dict) and len(parameters) > 1 and set(inputs) <= set(parameters)


def _require_all(model: keras.Model, given: Collection[Any]) -> None:
    """Refuse to go on without tensors that a subclassed model's call cannot do without."""
    if is_graph(model):
        return
    needed = [name for name, must in _parameters(model).items() if must]
    if len(needed) > len(given):
        raise PruningError(
            f"The call of model {model.name!r} ({type(model).__name__}) takes "
            f"{', '.join(needed)}, but Keras has noted the shapes of one nesting alone. "
            f"{open_by(needed)}"
        )


def open_by(names: Sequence[str]) -> str:
    """Return how to open a model whose call takes several tensors.

    Args:
        names: of the tensors.
    """
    given = ", ".join(f"{name!r}: keras.Input(...)" for name in names)
    return (
        f"Open it with tfprune.open_up(model, inputs={{{given}}}): the opened model takes a "
        "dictionary of these names."
    )


def _names(model: keras.Model, structure: Any) -> list[str]:
    """Return a name per flat tensor: the graph's, else the keys of a dictionary, else numbers."""
    if is_graph(model):
        return [maker(x).name for x in functional(model).inputs]
    count = len(keras.tree.flatten(structure))
    if isinstance(structure, dict) and len(structure) == count:
        return [str(key) for key in sorted(structure)]
    return ["input"] if count == 1 else [f"input_{i}" for i in range(count)]


def _symbol(value: Any) -> keras.KerasTensor:
    if isinstance(value, keras.KerasTensor):
        return keras.KerasTensor(value.shape, value.dtype)
    array = np.asarray(value)
    dtype = "float32" if array.dtype == "float64" else str(array.dtype)
    return keras.KerasTensor((None, *array.shape[1:]), dtype)


def _built_for(model: keras.Model) -> tuple[Any, bool]:
    """Return what a subclassed model was built for, and whether it is named arguments."""
    shapes = built_shapes(model)
    if not model.built or not shapes:
        raise PruningError(
            f"Model {model.name!r} ({type(model).__name__}) was not called yet, so what it takes "
            "is unknown. Call it once on a batch, or pass inputs=keras.Input(...)."
        )
    if len(shapes) == 1:
        return _symbols(next(iter(shapes.values()))), False
    return {key: _symbols(x) for key, x in shapes.items()}, True


def _symbols(shapes: Any) -> Any:
    """Return symbolic tensors for nested shapes; a shape is a tuple of numbers and None."""
    if isinstance(shapes, dict):
        return {key: _symbols(value) for key, value in shapes.items()}
    if isinstance(shapes, list | tuple) and any(isinstance(x, list | tuple | dict) for x in shapes):
        return type(shapes)(map(_symbols, shapes))
    return keras.KerasTensor((None, *shapes[1:]))
