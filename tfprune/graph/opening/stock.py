"""Stock layers that take the place of what a call computes without a layer."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfprune.surgery.layer_copies import copy_layer

_SAMPLES = 512


def table(value: np.ndarray, variable: Any, name: str, owner: keras.Layer) -> keras.layers.Layer:
    """Return an Embedding that holds a weight: as many columns as its last axis has places.

    Args:
        value: the weight's value.
        variable: the weight.
        name: the layer's name.
        owner: the layer that the weight belongs to.
    """
    if variable.constraint is not None and value.ndim != 2:
        raise TypeError(f"its weight {variable.name!r} has a constraint on {value.ndim} axes")
    rows = value.reshape(-1, value.shape[-1] if value.shape else 1)
    holder = keras.layers.Embedding(
        *rows.shape,
        name=name,
        dtype=owner.dtype_policy,
        embeddings_regularizer=variable.regularizer,
        embeddings_constraint=variable.constraint,
    )
    holder.build((None,))
    holder.embeddings.assign(rows)
    holder.trainable = variable.trainable
    return holder


def is_table(layer: keras.Layer) -> bool:
    """Return whether a layer looks up rows of its one weight."""
    kinds = keras.layers.Embedding, getattr(keras.layers, "ReversibleEmbedding", ())
    tied = getattr(layer, "tie_weights", True)  # else it has a second weight to read out with
    return type(layer) in kinds and tied


def dense(value: np.ndarray, variable: Any, name: str, owner: keras.Layer) -> keras.layers.Layer:
    """Return a Dense that multiplies by a weight, as `table` would hold it."""
    layer = keras.layers.Dense(
        value.shape[1],
        use_bias=False,
        name=name,
        dtype=owner.dtype_policy,
        kernel_regularizer=variable.regularizer,
        kernel_constraint=variable.constraint,
    )
    layer.build((None, value.shape[0]))
    layer.kernel.assign(value)
    layer.trainable = variable.trainable
    return layer


def is_matrix_product(operation: Any) -> bool:
    """Return whether an operation multiplies two tensors as matrices."""
    return type(operation).__name__ == "Matmul"


def in_safe_order(operation: Any, args: tuple) -> tuple:
    """Return the operands of a sum in an order in which Keras adds what TensorFlow adds.

    On TensorFlow `keras.ops.add` takes a second operand of shape [n, 1] for a bias as soon as n is
    the number of channels, be it a batch of n samples: [3, 3] + [3, 1] adds it along the wrong
    axis. As the first operand it is added as it stands.
    """
    if type(operation).__name__ != "Add" or len(args) != 2 or not is_symbolic_tensor(args[1]):
        return args
    first, second = args
    turned = len(second.shape) > 1 and second.shape[-1] == 1 and len(np.shape(first)) > 0
    return (second, first) if turned else args


def is_symbolic_tensor(value: Any) -> bool:
    """Return whether a value is a symbolic tensor."""
    return isinstance(value, keras.KerasTensor)


def reshaped(x: keras.KerasTensor, target: tuple[int, ...]) -> keras.KerasTensor:
    """Return a tensor in another shape but for its batch; one more size may be open, -1."""
    return keras.layers.Reshape(target)(x)


def settle(layer: Any, outputs: Any, is_open: Callable[[int], bool]) -> None:
    """Write sizes that are known into a layer that was told a shape with gaps.

    Args:
        layer: the copy of any layer, whose calls it remembers: a size is known if all agree on it.
        outputs: what it returned.
        is_open: tells of a size whether it stands for an open one.
    """
    if not isinstance(layer, keras.layers.EinsumDense):
        return
    given, calls = layer.__dict__.setdefault("noted_shapes", (layer.partial_output_shape, []))
    calls.append([None if is_open(size) else size for size in outputs.shape[1:]])
    if None in given and len(given) == len(calls[0]):
        agreed = (sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*calls, strict=True))
        sizes = tuple(a or b for a, b in zip(given, agreed, strict=True))
        layer.__dict__["partial_output_shape"] = sizes


def nameless_function(layer: Any) -> Callable[[Any], Any] | None:
    """Return the function of an Activation that no file can name, such as a lambda's, or None.

    Args:
        layer: any layer or operation.
    """
    function = layer.activation if type(layer) is keras.layers.Activation else None
    return function if getattr(function, "__name__", "") == "<lambda>" else None


def unknown_function(layer: Any) -> Callable[[Any], Any] | None:
    """Return the function of an Activation that Keras does not find by its name, or None.

    Args:
        layer: any layer or operation.
    """
    function = layer.activation if type(layer) is keras.layers.Activation else None
    if function is None or keras.saving.get_registered_object(
        keras.saving.get_registered_name(function)
    ):
        return None
    try:
        return None if keras.activations.get(function.__name__) is function else function
    except (ValueError, AttributeError):  # no such name, or an object without one
        return function


def named(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Return a tensor under a name: losses and metrics may be keyed by an output's."""
    return keras.layers.Identity(name=name, dtype=x.dtype)(x)


def dropout_for(layer: keras.Layer, shape: tuple[int | None, ...], name: str) -> keras.Layer | None:
    """Return the stock Dropout that drops what a layer drops, or None where it does another thing.

    Layers that drop whole samples ("stochastic depth", "drop path") draw numbers in their call.
    What they do is seen from outside: at inference nothing, in training each number becomes 0 or
    is divided by the share that stays, the same for all numbers along some axes.

    Args:
        layer: a layer without weights, called with one tensor.
        shape: the tensor's shape.
        name: the Dropout's name.
    """
    copy = copy_layer(layer, {}, np.ones(0, bool))
    x = np.ones([_SAMPLES, *[3] * (len(shape) - 1)], "float32")
    still, moved = (np.asarray(copy(x, training=training)) for training in (False, True))
    if moved.shape != x.shape or (still != x).any():
        return None
    scale = moved.max(initial=0)
    if scale < 1 or not np.isin(moved, (0, scale)).all():
        return None
    rate = _written(layer, 1 - 1 / float(scale))
    deviation = np.sqrt(rate * (1 - rate) / _SAMPLES)
    if abs((moved == 0).mean() - rate) > 5 * deviation:
        return None
    same = [(moved == moved.take([0], axis=axis)).all() for axis in range(1, x.ndim)]
    return keras.layers.Dropout(
        rate,
        noise_shape=(None, *(1 if alike else None for alike in same)),
        seed=_seed(layer),
        name=name,
        dtype=layer.dtype_policy,
    )


def _written(layer: keras.Layer, rate: float) -> float:
    """Return a rate as the layer has it written, rather than as it was measured."""
    numbers = [x for x in vars(layer).values() if isinstance(x, float)]
    numbers += [1 - x for x in numbers]
    return next((x for x in numbers if abs(x - rate) < 1e-5), rate)


def _seed(layer: keras.Layer) -> int | None:
    """Return the seed that a layer was given, as itself or within a generator."""
    own = [*vars(layer).values()]
    generators = [x for x in own if isinstance(x, keras.random.SeedGenerator)]
    given = [getattr(layer, "seed", None), *(x.get_config()["seed"] for x in generators)]
    return next((x for x in given if isinstance(x, int)), None)
