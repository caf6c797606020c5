"""One batch, or arrays of all samples: which part is inputs, which labels, which weights.

The rule, for both alike: a *tuple* is (inputs,), (inputs, labels) or (inputs, labels, weights);
a *dictionary* is the inputs by name; an *array* is the inputs; a *list* is the model's inputs
where it holds one array for each of several, else, as in Keras, it counts as a tuple.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.keras_private import functional


@dataclass(frozen=True)
class Batch:
    """Samples that belong together.

    Args:
        inputs: arrays or tensors [B, ...], nested as the model's inputs are.
        labels: arrays or tensors [B, ...], nested as they come; None: there are none.
        weights: what each sample counts, [B, ...]; None: there are none.
    """

    inputs: Any
    labels: Any = None
    weights: Any = None

    @property
    def size(self) -> int:
        """The number of samples."""
        return len(keras.tree.flatten(self.inputs)[0])

    def require_equal_sizes(self, user: str) -> None:
        """Refuse parts of unequal numbers of samples.

        Raises:
            PruningError: there are such.
        """
        parts = [x for x in (self.inputs, self.labels, self.weights) if x is not None]
        if len({len(x) for x in keras.tree.flatten(parts) if x is not None}) > 1:
            raise PruningError(
                f"{user}: expected the same number of samples in inputs, labels and weights, "
                f"received {described(tuple(parts))}. Give one each."
            )


def as_batch(value: Any, model: keras.Model | None, user: str) -> Batch:
    """Tell inputs, labels and weights apart, by this module's rule.

    Args:
        value: one batch, or arrays of all samples; a Batch stays as it is.
        model: the model that they are for; None: one with a single input.
        user: what reads them, for the error message, e.g. "criterion 'gfbs'".

    Raises:
        PruningError: what the rule does not cover, or inputs that are not the model's.

    Example:
        >>> image, mask = keras.Input((2,), name="image"), keras.Input((2,), name="mask")
        >>> model = keras.Model([image, mask], keras.layers.Add()([image, mask]))
        >>> one, two = np.zeros((4, 2)), np.ones((4, 2))
        >>> batch = as_batch(({"mask": two, "image": one}, np.arange(4)), model, "the example")
        >>> [x.mean().item() for x in batch.inputs], batch.labels.tolist()
        ([0.0, 1.0], [0, 1, 2, 3])
    """
    if isinstance(value, Batch):
        return value
    parts = (value,)
    if isinstance(value, tuple) or (isinstance(value, list) and not is_inputs(value, model)):
        parts = tuple(value)
    if not 1 <= len(parts) <= 3:
        raise PruningError(
            f"{user}: expected a batch of (inputs, labels, weights) at most, received "
            f"{len(parts)} parts: {described(value)}. Put several inputs into a list or a "
            "dictionary by name: ([a, b], labels)."
        )
    inputs, *others = parts
    return Batch(nested(inputs, model, user), *(_plain(part, user) for part in others))


def is_array(value: Any) -> bool:
    """Tell whether this is an array or tensor of samples."""
    return hasattr(value, "__array__") and hasattr(value, "dtype") and np.ndim(value) > 0


def is_inputs(value: Any, model: keras.Model | None) -> bool:
    """Tell whether a list holds one array for each of several inputs of a model."""
    count = len(getattr(model, "inputs", None) or [None])
    return isinstance(value, list) and len(value) == count > 1 and all(map(is_array, value))


def nested(inputs: Any, model: keras.Model | None, user: str) -> Any:
    """Return inputs nested as the model's own are, from any nesting or a dictionary by name.

    Args:
        inputs: arrays, tensors or their TensorSpecs.
        model: the model; one without a graph, and None, take them as they are.
        user: what reads them, for the error message.

    Raises:
        PruningError: no arrays, names that are missing, or another number of them.
    """
    if not all(map(_has_shape, keras.tree.flatten(inputs))):
        raise PruningError(
            f"{user}: expected inputs as arrays or tensors, received {described(inputs)}. Convert "
            "lists of numbers by numpy.asarray."
        )
    if not getattr(model, "inputs", None):
        return inputs
    structure = functional(model).input
    if isinstance(inputs, Mapping):
        by_name = isinstance(structure, Mapping)
        names = list(structure) if by_name else [x.name for x in model.inputs]
        if set(names) - set(inputs):
            raise PruningError(
                f"{user}: expected inputs named {names}, received {sorted(inputs)}. Rename them, "
                "or pass them in a list in the model's order."
            )
        chosen = {name: inputs[name] for name in names}
        inputs = chosen if by_name else list(chosen.values())
    found = keras.tree.flatten(inputs)
    if len(found) != len(model.inputs):
        names = ", ".join(x.name for x in model.inputs)
        raise PruningError(
            f"{user}: expected {len(model.inputs)} inputs ({names}) of model {model.name!r}; "
            f"received {len(found)}: {described(inputs)}. A tuple is (inputs, labels, weights): "
            "put several inputs into a list or a dictionary by name, ([a, b], labels), and several "
            "batches into a list."
        )
    return keras.tree.pack_sequence_as(structure, found)


def described(value: Any) -> str:
    """Return the nesting and the shapes of arrays in words, for an error message.

    Example:
        >>> described((np.zeros((2, 3)), [1, 2]))
        '(array (2, 3), [int, int])'
    """
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name!r}: {described(x)}' for name, x in value.items())}}}"
    if isinstance(value, tuple | list):
        parts = [described(x) for x in value[:4]] + ["..."] * (len(value) > 4)
        return f"({', '.join(parts)})" if isinstance(value, tuple) else f"[{', '.join(parts)}]"
    return f"array {tuple(value.shape)}" if hasattr(value, "shape") else type(value).__name__


def _has_shape(value: Any) -> bool:
    """Tell whether this is an array or tensor with an axis of samples, or the spec of one."""
    shape = getattr(value, "shape", ())
    return bool(shape.rank != 0 if isinstance(shape, tf.TensorShape) else len(shape))


def _plain(part: Any, user: str) -> Any:
    """Return labels or weights with arrays in place of lists of numbers."""
    if all(x is None or _has_shape(x) for x in keras.tree.flatten(part)):
        return part
    if not isinstance(part, list):
        raise PruningError(
            f"{user}: expected labels and weights as arrays, received {described(part)}."
        )
    return np.asarray(part)
