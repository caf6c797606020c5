"""The names, example inputs and outputs of a model, flat and in the model's own order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.passes.reader import read

# Three images: neither one, which hides a fixed batch size, nor a power of two.
_EXAMPLES = 3
_FREE_SIZES = (32, 8, 4)  # a table of positions may be short
_AT_ONCE = 64  # samples of arrays that hold all of them


@dataclass(frozen=True)
class Flat:
    """One batch: an array [B, ...] per input of the model in its order, and labels or None."""

    inputs: list[np.ndarray]
    labels: Any = None


def require_graph(model: keras.Model) -> None:
    """Refuse a model whose inputs are unknown: a subclassed one, or one not built yet."""
    if not getattr(model, "inputs", None):
        name = getattr(model, "name", model)
        raise PruningError(
            f"The model {name!r} has no inputs to name in a signature. Expected a "
            f"functional model or a built Sequential, received {type(model).__name__}; build it "
            "with keras.Input and explicit layer names."
        )


def call(model: keras.Model, tensors: list) -> list:
    """Return the outputs in inference mode for a flat list of inputs, as a flat list."""
    single = isinstance(model, keras.Sequential)  # it has no structure of its own
    packed = tensors[0] if single else keras.tree.pack_sequence_as(model.input, tensors)
    return keras.tree.flatten(model(packed, training=False))


def input_names(model: keras.Model) -> list[str]:
    """Return the name of each input tensor, in the order of `model.inputs`."""
    return [tensor.name for tensor in model.inputs]


def output_names(model: keras.Model) -> list[str]:
    """Return one name per output: its layer's, numbered where a layer has several."""
    single = isinstance(model, keras.Sequential)
    layers = [model.layers[-1].name] if single else model.output_names
    names, seen = [], Counter()
    for name in layers:
        names.append(f"{name}_{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def example_inputs(model: keras.Model, count: int = _EXAMPLES) -> list[np.ndarray]:
    """Return one array [count, ...] per input: standard normal, or zeros for integers.

    A free size is 32, or what a model takes that is made for less.
    """
    free = any(None in tensor.shape[1:] for tensor in model.inputs)
    *sizes, last = _FREE_SIZES if free else _FREE_SIZES[:1]
    for size in sizes:
        arrays = _drawn(model, count, size)
        try:
            call(model, arrays)
        except Exception:  # noqa: S112 - whatever a layer raises on sizes it is not made for
            continue
        return arrays
    return _drawn(model, count, last)


def _drawn(model: keras.Model, count: int, free: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    arrays = []
    for tensor in model.inputs:
        shape = (count, *(size or free for size in tensor.shape[1:]))
        floating = keras.backend.is_float_dtype(tensor.dtype)
        values = random.standard_normal(shape) if floating else np.zeros(shape)
        arrays.append(values.astype(tensor.dtype))
    return arrays


def flat_batches(data: Any, model: keras.Model, user: str) -> Iterator[Flat]:
    """Yield data in batches whose inputs are the model's, in its order, shapes and types.

    Args:
        data: in any form that `tfprune.score` takes.
        model: the model.
        user: what reads it, for the error message.

    Raises:
        PruningError: no data, or inputs of another number or shape, or that are not finite.
    """
    for batch in read(data, model, user, batch_size=_AT_ONCE):
        arrays = [np.asarray(x) for x in keras.tree.flatten(batch.inputs)]
        for tensor, array in zip(model.inputs, arrays, strict=True):
            _require_fit(tensor, array, user)
        inputs = [x.astype(t.dtype) for x, t in zip(arrays, model.inputs, strict=True)]
        if batch.size:
            yield Flat(inputs, batch.labels)


def _require_fit(tensor: keras.KerasTensor, array: np.ndarray, user: str) -> None:
    wanted = (None, *tensor.shape[1:])
    fits = len(wanted) == array.ndim and all(
        one in (None, other) for one, other in zip(wanted, array.shape, strict=True)
    )
    if not fits:
        raise PruningError(
            f"{user}: expected arrays {wanted} for the input {tensor.name!r}, received "
            f"{array.shape}. Give what the model itself takes, with an axis of samples."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise PruningError(
            f"{user}: expected finite numbers for the input {tensor.name!r}, received NaN or "
            "infinity. Leave those samples out."
        )


def outputs(model: keras.Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the model's outputs in inference mode as float64, one [N, ...] per output."""
    return to_float64(call(model, inputs))


def require_threads(name: str, threads: int | None) -> None:
    """Refuse a number of threads that TensorFlow does not compute with: it is set once a process.

    Args:
        name: of the format, for the error message.
        threads: how many are asked for; None for what is set.

    Raises:
        PruningError: another number is set.
    """
    found = tf.config.threading.get_intra_op_parallelism_threads()
    if threads not in (None, found):
        raise PruningError(
            f"Format {name!r} runs in this process's TensorFlow: expected threads=None or "
            f"{found} (0: all cores), received {threads}. Before anything is computed, call "
            f"tf.config.threading.set_intra_op_parallelism_threads({threads})."
        )


def to_float64(tensors: list) -> list[np.ndarray]:
    """Return tensors or arrays of any dtype as float64 arrays (bfloat16 has no NumPy type)."""
    return [np.asarray(keras.ops.cast(tensor, "float64")) for tensor in tensors]


def resolution(model: keras.Model) -> float:
    """Return how far two right evaluations of the model may differ, as a share of its scale.

    Half-precision layers round each operation, and another runtime fuses others: the bound is
    four units in the last place of the coarsest dtype, and 0 for float32 and float64 models.
    """
    units = {"bfloat16": 2.0**-7, "float16": 2.0**-10}
    return 4 * max(units.get(layer.compute_dtype, 0.0) for layer in model.layers)
