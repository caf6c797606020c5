"""Score the channels of a model by a criterion that is found by its name."""

import contextlib
import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Unpack

import numpy as np

from tfprune import criteria, plugins
from tfprune.errors import PruningError, unknown
from tfprune.graph import coupling
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.keeping import keeper
from tfprune.passes.progress import Progress, listener, telling
from tfprune.scoring.method import Method
from tfprune.scoring.options import CriterionOptions
from tfprune.scoring.scores import Scores


def score(
    graph: ChannelGraph,
    criterion: str,
    data: Any = None,
    *,
    coupled: str | None = None,
    progress: Progress | None = None,
    **options: Unpack[CriterionOptions],
) -> Scores:
    """Score every channel of a model by a named criterion.

    Args:
        graph: channel graph of the model.
        criterion: name of the criterion, e.g. "fgp", "gfbs", "similarity", "fmc", "gfi", "l1".
        data: a tf.data.Dataset, a distributed dataset, a PyDataset, `split.epochs(...)`, arrays,
            a list of batches or another iterable, of inputs or (inputs, labels); None for a
            criterion that needs no data. `tfprune.passes.reader` says how each is read.
        coupled: what channels of several layers that live or die together are scored by: the
            "mean" or "sum" of their own scores, those of the "leader" (the layer nearest to the
            input), or "pin" to leave such layers whole; by default as the criterion's paper does.
        progress: called with (images done, of how many, seconds left) while a criterion reads data;
            the last two are None where they are not known; None: whom
            `tfprune.passes.progress.telling` names around the call, if anybody.
        **options: the criterion's own options, e.g. `seed=3`.

    Returns:
        {layer name: float64 [C]}, higher = keep. A layer that the criterion cannot judge is
        missing.

    Raises:
        PruningError: an unknown criterion or option, data that does not suit the criterion, or
            scores that are not finite.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
        ...                           keras.layers.Dense(2)])
        >>> tfprune.score(tfprune.analyse(model), "l1")["hidden"].shape
        (3,)
    """
    if not isinstance(graph, ChannelGraph):
        raise PruningError(
            f"score: expected a ChannelGraph, received {type(graph).__name__}. Make one with "
            "tfprune.analyse(model)."
        )
    module = plugins.find(criteria, criterion, "criterion")
    _check_options(module, criterion, options)
    method = module.METHOD
    coupled = method.coupled if coupled is None else coupled
    coupling.check_way(coupled)
    itself: dict[str, Any] = {"coupled": coupled} if "coupled" in _parameters(module) else {}
    _check_progress(progress, criterion, method)
    own = "progress" in _parameters(module)
    listening = {"progress": progress or listener("images")} if own else {}
    # What shows its own progress is alone in showing one.
    around = telling(None if own else progress) if own or progress else contextlib.nullcontext()

    def find() -> dict[str, np.ndarray]:
        with around:
            values = module.score(graph, data, **itself, **listening, **options)
        _require_finite(criterion, values)
        return values

    kept = keeper()
    values = kept.arrays(graph.model, f"scores by {criterion!r}", find) if kept else find()
    if not itself:
        values = coupling.combine(graph, values, coupled, shares=method.shares)
    return Scores(criterion, values, method.selector, method.scope, method.comparable)


def criterion_options(module: ModuleType) -> list[str]:
    """Return the names of a criterion's own options."""
    return [name for name in _parameters(module) if name != "coupled"]


def _parameters(module: ModuleType) -> list[str]:
    """Return what follows a criterion's graph and data."""
    return list(inspect.signature(module.score).parameters)[2:]


def _check_progress(progress: object, criterion: str, method: Method) -> None:
    if progress is None:
        return
    if not callable(progress):
        raise PruningError(
            "score: progress must be a function of (images done, of how many, seconds left), "
            f"received {progress!r}."
        )
    if not method.needs_data:
        raise PruningError(
            f"score: progress has no effect on criterion {criterion!r}, which reads no data. Leave "
            "it out."
        )


def _check_options(module: ModuleType, criterion: str, options: Mapping[str, Any]) -> None:
    valid = criterion_options(module)
    for name in options:
        if name not in valid:
            raise unknown(f"option of criterion {criterion!r}", name, [*valid, "coupled"])


def _require_finite(criterion: str, values: Mapping[str, np.ndarray]) -> None:
    for layer, value in values.items():
        if not np.isfinite(value).all():
            bad = int(np.flatnonzero(~np.isfinite(value).reshape(len(value), -1).all(1))[0])
            raise PruningError(
                f"Criterion {criterion!r} gave layer {layer!r} a score that is not finite "
                f"(channel {bad}: {value[bad]}). Check the model's weights and the data for "
                "NaN and infinity."
            )
