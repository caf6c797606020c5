"""Compare a rebuilt model with the masked original: what pruning promises, measured."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.reader import all_inputs
from tfprune.surgery.builder import copy_whole, float32_if_half
from tfprune.surgery.equality import Gap, compare
from tfprune.surgery.faithfulness import require_faithful
from tfprune.surgery.keras_faults import batch_sizes, misplaced_biases
from tfprune.surgery.masked import MaskedBuilder
from tfprune.surgery.masks import kept_ids
from tfprune.surgery.responses import responses
from tfprune.surgery.sample_inputs import UnprovenError, random_inputs

_SIZES = (64, 16, 4)
_PRECISION = {"float32": 2.0**-23, "float64": 2.0**-52}


@dataclass(frozen=True)
class Verification:
    """How far a rebuilt model is from the masked original.

    Args:
        difference: largest absolute difference, of the output where it is the largest share;
            before a last softmax or sigmoid.
        scale: how far that output of the masked original moves from sample to sample; where it
            is a constant, its largest absolute value.
        effect: largest difference that masking made to an output, as a share of its scale.
        inexact: reasons why a difference was expected (statistics over channels), if any.
        tolerance: share of the scale up to which the models count as equal.
        dtype: in which the models were compared.
    """

    difference: float
    scale: float
    effect: float
    inexact: tuple[str, ...]
    tolerance: float
    dtype: str = "float32"

    @property
    def relative(self) -> float:
        """The difference as a share of the outputs' scale."""
        return self.difference / self.scale

    @property
    def exact(self) -> bool:
        """Whether the models are equal within the tolerance."""
        return self.relative <= self.tolerance

    @property
    def changed(self) -> bool:
        """Whether masking changed an output, by more than the tolerance."""
        return self.effect > self.tolerance

    @property
    def proven(self) -> bool:
        """Whether the models are equal and would not be, had other channels been removed."""
        return self.exact and self.changed

    def __str__(self) -> str:
        verdict = "equal" if self.exact else "different"
        why = f" (expected: {'; '.join(self.inexact)})" if self.inexact else ""
        effect = "" if self.changed else "; this is no proof: pruning changed no output"
        place = "" if self.dtype == "float32" else f" in {self.dtype}"
        return (
            f"rebuilt and masked model are {verdict}{place}: largest difference "
            f"{self.difference:.3g}, {self.relative:.3g} of the outputs' scale {self.scale:.3g}"
            f"{why}{effect}"
        )


def verify(
    graph: ChannelGraph,
    keep: Mapping[str, np.ndarray],
    small: keras.Model,
    *,
    inputs: Any = None,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> Verification:
    """Compare a rebuilt model with the masked original on the same inputs.

    Masking zeroes, in a copy of the original, every weight that reads a removed channel: a zero
    in the layer that makes the channel would come out of a bias or BatchNormalization as a
    constant. Models are compared before a last softmax or sigmoid, in float32, and once more in
    float64 where rounding may be what differs. A copy with nothing cut is compared with the model
    itself too: a layer whose `get_config` forgets its state would forget it on both sides.

    Args:
        graph: channel graph of the original model.
        keep: the keep masks `small` was rebuilt with, {layer name: bool [C]}.
        small: the rebuilt model.
        inputs: what to feed both models, in any form that `tfprune.score` takes, for instance an
            array, or a list or dictionary of arrays where the model has several inputs; by
            default 4 random samples.
        tolerance: share of the outputs' variation over the samples up to which they count as equal.
        seed: seed of the random inputs.

    Returns:
        The largest difference, with the outputs' scale and what masking changed.

    Raises:
        PruningError: the models differ by more than the tolerance although nothing inexact was
            pruned, their outputs have other shapes, an output is all zero or not finite, so that
            nothing is proven, or a copy of the model does not compute what the model computes.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> image = keras.Input((8, 8, 3))
        >>> x = keras.layers.Conv2D(4, 3, name="stem")(image)
        >>> graph = tfprune.analyse(keras.Model(image, keras.layers.Conv2D(2, 1)(x)))
        >>> keep = {"stem": np.array([True, False, True, True])}
        >>> tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).proven
        True
    """
    kept = kept_ids(graph, keep)
    inputs, original = _run(graph.model, inputs, seed)
    require_faithful(graph, inputs, original)
    removed = np.setdiff1d(graph.unit[~kept], graph.unit[kept])
    reasons = tuple(sorted({graph.inexact[u] for u in removed.tolist() if u in graph.inexact}))
    half = float32_if_half(graph.model)
    if half is not None:
        original = responses(copy_whole(graph, half), inputs)
    gaps, effects = _measured(graph, kept, small, inputs, half, original)
    again = None
    if not reasons and not (_worst(gaps).share <= tolerance and all(gap.varies for gap in gaps)):
        again = _in_float64(graph, kept, small, _some(inputs, graph.model, small))
        gaps, effects = again or (gaps, effects)
    worst, effect = _worst(gaps), max(gap.share for gap in effects)
    dtype = "float32" if again is None else "float64"
    check = Verification(worst.difference, worst.scale, effect, reasons, tolerance, dtype)
    _judge(check, graph.model, small)
    return check


def _run(model: keras.Model, inputs: Any, seed: int) -> tuple[Any, list[np.ndarray]]:
    """Return inputs, drawn where none are given, and what a model answers to them."""
    if inputs is not None:
        inputs = all_inputs(inputs, model, "verify")
        return inputs, responses(model, inputs)
    for size in _SIZES:  # of open axes: a table of positions may be short
        inputs = random_inputs(model, seed, unknown=size)
        try:
            return inputs, responses(model, inputs)
        except Exception as error:  # whatever a layer raises on numbers that it was not made for
            if size == _SIZES[-1] or not _has_open_sizes(model):
                raise UnprovenError(
                    f"Model {model.name!r} cannot take random inputs: {type(error).__name__}: "
                    f"{textwrap.shorten(str(error), 300)} Pass `inputs`, a batch of your own."
                ) from error
    raise AssertionError("the last size returns or raises")


def _has_open_sizes(model: keras.Model) -> bool:
    return any(None in x.shape[1:] for x in getattr(model, "inputs", ()))


def _measured(
    graph: ChannelGraph,
    kept: np.ndarray,
    small: keras.Model,
    inputs: Any,
    dtype: str | None,
    original: list[np.ndarray],
) -> tuple[list[Gap], list[Gap]]:
    """Return the gaps between masked and rebuilt model, and those that masking made."""
    masked = responses(MaskedBuilder(graph, kept, dtype).build(), inputs)
    rebuilt = responses(copy_whole(analyse(small), dtype) if dtype else small, inputs)
    shapes = [y.shape for y in masked], [y.shape for y in rebuilt]
    if shapes[0] != shapes[1]:
        raise PruningError(
            f"Verification: expected outputs of shapes {shapes[0]} as the original's, received "
            f"{shapes[1]}. Pass the model that was rebuilt with these keep masks."
        )
    precision = _PRECISION[dtype or "float32"]
    return compare(masked, rebuilt, precision), compare(masked, original, precision)


def _some(inputs: Any, *models: keras.Model) -> Any:
    """Return as many of the inputs as Keras does not mistake for rows."""
    sizes = batch_sizes(*models, least=2)
    given = len(keras.tree.flatten(inputs)[0])
    count = max(takewhile(given.__ge__, sizes), default=given)
    return keras.tree.map_structure(lambda x: x[:count], inputs)


def _in_float64(
    graph: ChannelGraph, kept: np.ndarray, small: keras.Model, inputs: Any
) -> tuple[list[Gap], list[Gap]] | None:
    """Measure again where float32 may have rounded; None where a layer has no float64."""
    try:
        original = responses(copy_whole(graph, "float64"), inputs)
        return _measured(graph, kept, small, inputs, "float64", original)
    except Exception:  # a user's layer may compute in float32 alone, and raise what it likes
        return None


def _worst(gaps: list[Gap]) -> Gap:
    """Return the gap of the output that differs most, by its own scale."""
    for index, gap in enumerate(gaps):
        if not gap.is_finite:
            raise UnprovenError(
                f"Verification proves nothing: output {index} of the masked original is at most "
                f"{gap.magnitude} and differs by {gap.difference}; expected finite numbers that "
                "are not all 0. Pass `inputs` on which the model responds."
            )
    return max(gaps, key=lambda gap: gap.share)


def _judge(check: Verification, *models: keras.Model) -> None:
    if check.exact or check.inexact:
        return
    why = (
        "The keep masks are not those the model was rebuilt with, it was trained since, or a rule "
        "is wrong."
    )
    misplaced = misplaced_biases(*models)
    if misplaced:
        why = (
            f"Keras is wrong here, not the cut: its layers {', '.join(misplaced)} have as many "
            "channels (channels_first) or heads of size 1 as there are columns or places, and on "
            "TensorFlow Keras then adds their bias to these. Use channels_last, use_bias=False or "
            "another width, or leave sizes at 2."
        )
    raise PruningError(
        f"Verification failed: expected a difference of at most {check.tolerance:g} of the "
        f"outputs' scale, received {check.relative:.3g} ({check}). {why}"
    )
