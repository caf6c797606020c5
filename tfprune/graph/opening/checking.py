"""Compare an opened model with the one it was opened from."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.keras_private import inner_layers
from tfprune.graph.opening.model_inputs import ModelInputs
from tfprune.graph.opening.refusals import NotEqualError
from tfprune.surgery.equality import compare
from tfprune.surgery.keras_faults import batch_sizes
from tfprune.surgery.sample_inputs import whole_numbers

TOLERANCE = 1e-6
_SIDES = (64, 32, 16, 8, 4, 2)


def require_equal(
    model: keras.Model, opened: keras.Model, signature: ModelInputs, branching: Sequence[str]
) -> None:
    """Refuse an opened model whose outputs differ from the original's, at two batch sizes.

    Args:
        model: the original.
        opened: the opened model.
        signature: what both take.
        branching: layers whose call branches on `training`.

    Raises:
        PruningError: outputs of other shapes, or that differ by more than 1e-6 of their scale.
    """
    for number, batch in enumerate(islice(batch_sizes(opened, least=2), 2)):
        for place, side in enumerate(_SIDES):
            inputs = drawn(model, signature, batch, _sides(signature, side + side // 2 * number))
            try:
                expected = outputs_of(model, *signature.arguments(signature.nested(inputs)))
            except Exception as error:
                if signature.has_open_sizes and place + 1 < len(_SIDES):
                    continue  # a table of positions may be shorter
                raise _unfed(model, error) from error
            break
        _compare(model, expected, _received(model, opened, signature.nested(inputs)), branching)


def _unfed(model: keras.Model, error: Exception) -> PruningError:
    return PruningError(
        f"Model {model.name!r} cannot be opened: it fails on random inputs, so nothing can be "
        f"compared: {str(error).splitlines()[0]} Pass inputs=keras.Input(...) of fixed sizes."
    )


def _received(model: keras.Model, opened: keras.Model, inputs: Any) -> list[np.ndarray]:
    try:
        return outputs_of(opened, (inputs,), {})
    except Exception as error:  # of a size that was frozen
        sizes = [np.shape(x) for x in keras.tree.flatten(inputs)]
        raise NotEqualError(
            model.name,
            f"what came out fails on inputs of shapes {sizes}: {str(error).splitlines()[0]} A call "
            "makes another number of an open size; pass inputs=keras.Input(...) of fixed sizes.",
        ) from error


def _compare(
    model: keras.Model,
    expected: list[np.ndarray],
    received: list[np.ndarray],
    branching: Sequence[str],
) -> None:
    shapes = [y.shape for y in expected], [y.shape for y in received]
    equal = shapes[0] == shapes[1]
    gaps = compare(expected, received) if equal else []
    worst = max((gap.relative for gap in gaps), default=0)
    if equal and not worst > TOLERANCE:  # of NaN on both sides nothing is known
        return
    received = f"a difference of {worst:.3g} of their scale" if equal else f"shapes {shapes[1]}"
    why = f" Calls that branch on training: {', '.join(branching)}." if branching else ""
    raise NotEqualError(
        model.name,
        f"expected outputs equal to the original's, received {received}. A call may depend on "
        f"data or sizes, or draw numbers by NumPy.{why}",
    )


def _sides(signature: ModelInputs, side: int) -> list[int]:
    """Return a length for each input: those whose lengths need not be equal get different ones."""
    groups = signature.groups or (0,) * len(signature.flat)
    return [max(1, side - group * max(1, side // 8)) for group in groups]


def drawn(
    model: keras.Model, signature: ModelInputs, batch: int, sides: Sequence[int]
) -> list[Any]:
    """Return random inputs.

    Args:
        model: the model, which may know words.
        signature: what it takes.
        batch: how many samples.
        sides: of each input, what its open sizes are.
    """
    rng, words = np.random.default_rng(0), _words(model)

    def draw(tensor: keras.KerasTensor, side: int) -> Any:
        shape = [tensor.shape[0] or batch, *(size or side for size in tensor.shape[1:])]
        if tensor.dtype == "string":
            return tf.constant(rng.choice(words, shape).tolist())
        if "float" in tensor.dtype:
            return rng.standard_normal(shape).astype(tensor.dtype)
        return whole_numbers(rng, shape).astype(tensor.dtype)

    return [draw(x, side) for x, side in zip(signature.flat, sides, strict=True)]


def _words(model: keras.Model) -> list[str]:
    """Return words that the model knows: of strange ones all would be alike."""
    lookups = [layer for layer in inner_layers(model) if hasattr(layer, "get_vocabulary")]
    known = {word for lookup in lookups for word in lookup.get_vocabulary()}
    return sorted(word for word in known if isinstance(word, str)) or ["a", "b"]


def outputs_of(model: keras.Model, args: tuple, kwargs: dict) -> list[np.ndarray]:
    """Return a model's flat outputs at inference.

    Args:
        model: the model.
        args: what it is called with.
        kwargs: likewise.
    """
    flat = keras.tree.flatten(model(*args, **kwargs, training=False))
    return [np.atleast_1d(keras.ops.cast(y, "float64")) for y in flat]
