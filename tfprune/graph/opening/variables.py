"""Weights that a call reads as tensors: operations take them as they take symbolic tensors.

`ops.transpose(self.embedding.embeddings)` would be computed at once, since Keras counts a variable
among the numbers, and the weight would be lost as a number. While a model is traced it is asked
for as a tensor instead.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras

from tfprune.graph.keras_private import OPERATION_MODULES, inner_layers, own_variables

_OPERATORS = """neg abs invert getitem lt le gt ge add radd sub rsub mul rmul truediv rtruediv
floordiv rfloordiv mod rmod pow rpow matmul rmatmul""".split()


def calls(symbol: Callable[[Any], Any], mine: Callable[[], bool]) -> Iterator[tuple[Any, str, Any]]:
    """Yield (place, name, what stands there), so that operations on weights are symbolic.

    Args:
        symbol: returns the symbolic tensor that stands for a weight.
        mine: whether a call is one of the trace's.
    """
    for module in OPERATION_MODULES:
        if hasattr(module, "any_symbolic_tensors"):
            yield module, "any_symbolic_tensors", _asking(module.any_symbolic_tensors, mine)
    for operator in _OPERATORS:
        name = f"__{operator}__"
        own = getattr(keras.Variable, name, None)
        if own is not None and hasattr(keras.KerasTensor, name):
            yield keras.Variable, name, _operator(name, own, symbol, mine)


def holds_variable(values: Any) -> bool:
    """Return whether weights are among nested values."""
    return any(isinstance(x, keras.Variable) for x in keras.tree.flatten(values))


def _asking(own: Callable, mine: Callable[[], bool]) -> Callable:
    def ask(args: Any = None, kwargs: Any = None) -> bool:
        return own(args, kwargs) or (mine() and holds_variable((args, kwargs)))

    return ask


def _operator(name: str, own: Callable, symbol: Callable, mine: Callable[[], bool]) -> Callable:
    def operate(self: Any, *others: Any) -> Any:
        if mine():
            return getattr(symbol(self), name)(*others)
        return own(self, *others)

    return operate


def owners(model: keras.Model) -> dict[int, keras.Layer]:
    """Return {id of a weight: the layer that made it}, for all weights of a model.

    Args:
        model: a built model of any kind.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="inner")])
        >>> {layer.name for layer in owners(model).values()}
        {'inner'}
    """
    return {
        id(weight): layer
        for layer in (model, *inner_layers(model))
        for weight in own_variables(layer)
    }
