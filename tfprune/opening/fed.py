"""What a model is fed with: shapes, dtypes, names and nesting of its inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import functional, is_graph


@dataclass(frozen=True)
class Fed:
    """The inputs of a model.

    Args:
        structure: symbolic tensors, nested as the model takes them.
        names: of the flat tensors.
    """

    structure: Any
    names: tuple[str, ...]

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


def fed_with(model: keras.Model, inputs: Any = None) -> Fed:
    """Return what a model takes.

    Args:
        model: a built model.
        inputs: given by the user, as for `tfprune.open_up`; None: what the model was built for.

    Raises:
        PruningError: a subclassed model that was not built for shapes that are known.
    """
    if inputs is not None:
        structure = keras.tree.map_structure(_symbol, inputs)
    elif is_graph(model):
        structure = functional(model).input
    else:
        structure = _built_for(model)
    return Fed(structure, tuple(_names(model, structure)))


def _names(model: keras.Model, structure: Any) -> list[str]:
    """Return a name per flat tensor: the graph's, else the keys of a dictionary, else numbers."""
    if is_graph(model):
        return [x._keras_history.operation.name for x in functional(model).inputs]
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


def _built_for(model: keras.Model) -> Any:
    shapes = getattr(model, "_build_shapes_dict", None)
    if not model.built or not shapes:
        raise PruningError(
            f"Model {model.name!r} ({type(model).__name__}) was not called yet, so what it takes "
            "is unknown. Call it once on a batch, or pass inputs=keras.Input(...)."
        )
    if len(shapes) > 1:
        raise PruningError(
            f"The call of model {model.name!r} ({type(model).__name__}) takes {len(shapes)} "
            f"tensors ({', '.join(shapes)}), expected one nesting of them. Let it take a list or a "
            "dictionary."
        )
    return _symbols(next(iter(shapes.values())))


def _symbols(shapes: Any) -> Any:
    """Return symbolic tensors for nested shapes; a shape is a tuple of numbers and None."""
    if isinstance(shapes, dict):
        return {key: _symbols(value) for key, value in shapes.items()}
    if isinstance(shapes, list | tuple) and any(isinstance(x, list | tuple | dict) for x in shapes):
        return type(shapes)(map(_symbols, shapes))
    return keras.KerasTensor((None, *shapes[1:]))
