"""What Keras computes wrongly, so that no rule is blamed for it."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import keras
import numpy as np

from tfprune.graph.keras_private import inner_layers
from tfprune.graph.layer_calls import LayerCall, calls


def misplaced_biases(*models: keras.Model) -> list[str]:
    """Return the names of layers whose bias Keras adds along another axis than its own.

    On TensorFlow `keras.ops.add` takes whatever squeezes to a vector for a bias, of the last axis
    if that is as long, else of the second. A channels-first layer as wide as it has channels adds
    its bias to columns, and heads of size 1 add it to the places of a sequence that has as many
    as there are heads, within stock attention too.

    Args:
        *models: functional or Sequential models.

    Example:
        >>> image = keras.Input((2, 4, 5))
        >>> conv = keras.layers.Conv2D(5, 1, data_format="channels_first", name="conv")
        >>> misplaced_biases(keras.Model(image, conv(image)))
        ['conv']
        >>> text = keras.Input((4, 5))
        >>> attention = keras.layers.MultiHeadAttention(4, 1, name="attention")
        >>> misplaced_biases(keras.Model(text, attention(text, text)))
        ['attention']
    """
    return sorted({call.operation.name for model in models for call in calls(model)
                   if any(_is_misplaced(*added) for added in _added(call))})  # fmt: skip


def _added(call: LayerCall) -> Iterator[tuple[Sequence[int | None], int, int]]:
    """Yield (shape that a bias is added to, the bias' axis there, its length) of biases."""
    layer = call.operation
    if getattr(layer, "data_format", None) == "channels_first":
        if getattr(layer, "bias", None) is not None:
            yield call.outputs[0].shape, 1, layer.bias.shape[-1]
        return
    inner = inner_layers(layer) if isinstance(layer, keras.Layer) else ()
    for part in (layer, *inner):
        if hasattr(part, "equation") and part.bias is not None:
            long = [axis for axis, size in enumerate(part.bias.shape) if size > 1]
            for shape in _shapes(part, call) if len(long) == 1 else ():
                yield shape, len(shape) - len(part.bias.shape) + long[0], part.bias.shape[long[0]]


def _shapes(part: keras.Layer, call: LayerCall) -> Iterator[Sequence[int | None]]:
    """Yield the shapes that a layer may make within a call, as exactly as they are known."""
    if "." in part.equation:
        if part is call.operation:
            yield call.outputs[0].shape
        return
    given, read, made = re.split(",|->", part.equation)
    for x in call.inputs:
        if len(x.shape) == len(given):
            sizes = dict(zip(given, x.shape, strict=True))
            sizes |= zip(read, part.kernel.shape, strict=True)
            yield [sizes[letter] for letter in made]


def _is_misplaced(shape: Sequence[int | None], axis: int, size: int) -> bool:
    if size == 1 or size not in (shape[1], shape[-1]):
        return False
    return axis != (len(shape) - 1 if shape[-1] == size else 1)


def batch_sizes(*models: keras.Model, least: int = 1) -> Iterator[int]:
    """Yield, from the smallest up, how many samples models can be given that are compared.

    Run on arrays, `keras.ops.add` takes [n, 1, 1] with n samples for a bias where the other tensor
    has n rows, too. So as many samples as any tensor has rows are left out.

    Args:
        *models: functional or Sequential models.
        least: number of samples.

    Example:
        >>> from itertools import islice
        >>> image = keras.Input((4, 5, 3))
        >>> model = keras.Model(image, keras.layers.MaxPooling2D(2)(image))
        >>> list(islice(batch_sizes(model), 3))
        [1, 3, 5]
    """
    tensors = (
        x for model in models for call in calls(model) for x in (*call.inputs, *call.outputs)
    )
    rows = {x.shape[1] for x in tensors if len(x.shape) > 1} - {1}
    yield from (size for size in count(least) if size not in rows)


def misread_activation(layer: Any) -> Callable[[Any], Any] | None:
    """Return a layer's activation if Keras writes it by the name of another function, else None.

    `keras.ops.gelu` is written "gelu", and read as `keras.activations.gelu`, which approximates
    nothing: a layer with it comes out of its config, and of its model's file, as another one.

    Args:
        layer: any layer or operation.

    Example:
        >>> misread_activation(keras.layers.Dense(2, activation=keras.ops.gelu)).__module__
        'keras.src.ops.nn'
    """
    own = getattr(layer, "activation", None)
    if not callable(own) or isinstance(own, keras.Layer):
        return None
    try:
        name = keras.activations.serialize(own)
    except Exception:  # of a function of the user's, for which Keras finds no name
        return None
    if not isinstance(name, str):  # it is read as what it is, or not at all
        return None
    read = keras.activations.get(name)
    x = np.linspace(-6, 6, 97, dtype="float32")[None]
    return None if read is own or np.allclose(own(x), read(x)) else own
