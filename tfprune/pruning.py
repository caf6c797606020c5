"""Score, select, rebuild and verify in one call."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune import criteria, plugins
from tfprune.checks import check_bool
from tfprune.errors import unknown
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.batches import pairs
from tfprune.scoring.scores import Scores
from tfprune.scoring.scoring import criterion_options, score
from tfprune.selection import selectors
from tfprune.selection.planning import SELECTING, Selection, asked, selector_options
from tfprune.selection.request import AMOUNTS
from tfprune.selection.selecting import remarks
from tfprune.surgery.rebuilding import rebuild
from tfprune.surgery.sample_inputs import UnprovenError
from tfprune.surgery.verification import Verification, verify


@dataclass(frozen=True)
class PruningReport:
    """What was pruned, and the proof.

    Args:
        method: name of the method.
        keep: {layer name: bool [C], True = kept}.
        scores: what the channels were ranked by.
        verification: the comparison with the masked original.
        params: weights before and after.
        seconds: {stage: wall time}.
        remarks: what is worth knowing about the choice, e.g. where a guard of the method held.
    """

    method: str
    keep: Mapping[str, np.ndarray]
    scores: Scores
    verification: Verification
    params: tuple[int, int]
    seconds: Mapping[str, float]
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        kept = sum(int(mask.sum()) for mask in self.keep.values())
        total = sum(len(mask) for mask in self.keep.values())
        before, after = self.params
        times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in self.seconds.items())
        lines = [
            f"{self.method}: {kept} of {total} channels kept, parameters {before:,} -> {after:,} "
            f"({after / before:.1%})",
            *self.remarks,
        ]
        return "\n".join([*lines, str(self.verification), times])


def prune(
    model: keras.Model,
    batches: Any,
    method: str = "gfbs",
    *,
    allow_inexact: bool = False,
    inputs: Any = None,
    **options: Any,
) -> tuple[keras.Model, PruningReport]:
    """Prune a model by a named method: analyse, score, select, rebuild and verify.

    What can be refused without scores is refused before anything is scored.

    Args:
        model: a built functional or Sequential model; it is not changed.
        batches: what the criterion scores on, as for `tfprune.score`; None for a method that
            needs no data, such as "l1".
        method: name of the method.
        allow_inexact: also prune channels whose removal changes a statistic over the others.
        inputs: what the smaller model is compared with the masked one on, as for
            `tfprune.verify`; by default random samples, or the first of the batches where those
            prove nothing: text, or a model that random numbers do not move.
        **options: options of `tfprune.select` (`ratio=0.5`, `macs=0.5`, `scope="global"`, ...),
            of `tfprune.score` (`coupled="pin"`) and of the criterion (`w_beta=0.05`, `seed=3`,
            ...). Without an amount the method's own default holds, where its paper has one.

    Returns:
        The smaller model, verified, and a report with the keep masks.

    Raises:
        PruningError: as `analyse`, `score`, `select`, `rebuild` and `verify`.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
        ...                           keras.layers.Dense(2)])
        >>> small, report = tfprune.prune(model, None, method="l1", ratio=0.5)
        >>> small.get_layer("hidden").units
        4
    """
    clock = [time.perf_counter()]
    graph, selection, scoring = begun(model, method, options, inexact=allow_inexact)
    clock.append(time.perf_counter())
    scores = score(graph, method, batches, **scoring)
    clock.append(time.perf_counter())
    keep, notes = selection.choose(graph, scores)
    clock.append(time.perf_counter())
    small = rebuild(graph, keep)
    clock.append(time.perf_counter())
    check = _verified(graph, keep, small, inputs, batches)
    clock.append(time.perf_counter())
    stages = ("analyse", "score", "select", "rebuild", "verify")
    seconds = dict(zip(stages, np.diff(clock).tolist(), strict=True))
    params = (model.count_params(), small.count_params())
    found = (*remarks(graph, scores, keep), *notes)
    return small, PruningReport(method, keep, scores, check, params, seconds, found)


def _verified(
    graph: ChannelGraph,
    keep: Mapping[str, np.ndarray],
    small: keras.Model,
    inputs: Any,
    batches: Any,
) -> Verification:
    """Verify on the given inputs, else on random ones, else on the first of the batches."""
    check, why = None, None
    try:
        check = verify(graph, keep, small, inputs=inputs)
    except UnprovenError as error:
        why = error
    if inputs is None and batches is not None and (check is None or not check.changed):
        first = next(pairs(batches), None)  # None of an iterator that the scoring has used up
        if first is not None:
            return verify(graph, keep, small, inputs=first[0])
    if why is not None:
        raise why
    return check


def require_possible(
    model: keras.Model, method: str, *, allow_inexact: bool = False, **options: Any
) -> None:
    """Refuse what `prune` would refuse before it scores; nothing is computed.

    Args:
        model: as for `prune`.
        method: as for `prune`.
        allow_inexact: as for `prune`.
        **options: as for `prune`.

    Raises:
        PruningError: as `analyse`, and for options that no scores could make possible.

    Example:
        >>> import keras
        >>> layers = [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)]
        >>> require_possible(keras.Sequential(layers), "l1", ratio=1.5)
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: ratio must lie in [0, 1), the share that is removed; ...
    """
    begun(model, method, options, inexact=allow_inexact)


def begun(
    model: keras.Model, method: str, options: Mapping[str, Any], *, inexact: bool
) -> tuple[ChannelGraph, Selection, dict[str, Any]]:
    """Return a model's graph, the selection that is to be made, and the options of the scoring.

    Args:
        model: as for `prune`.
        method: as for `prune`.
        options: as for `prune`.
        inexact: allow_inexact, as for `prune`.

    Raises:
        PruningError: as `require_possible`.

    Example:
        >>> import keras
        >>> layers = [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)]
        >>> options = {"ratio": 0.5, "seed": 3}
        >>> model = keras.Sequential(layers)
        >>> _, selection, scoring = begun(model, "random", options, inexact=False)
        >>> selection.request.ratio, scoring
        (0.5, {'seed': 3})
    """
    check_bool("allow_inexact", inexact)
    selection, scoring = planned(method, options)
    graph = analyse(model, allow_inexact=inexact)
    selection.check(graph)
    return graph, selection, scoring


def parted(method: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the selection, with the method's own amount, and of the scoring.

    Raises:
        PruningError: an unknown method or option.

    Example:
        >>> parted("random", {"macs": 0.5, "seed": 3})
        ({'macs': 0.5}, {'seed': 3})
    """
    module = plugins.find(criteria, method, "method")
    selector = plugins.find(selectors, module.METHOD.selector, "selector")
    choosing = [*SELECTING, *selector_options(selector)]
    valid = [*choosing, "coupled", *criterion_options(module)]
    for name in options:
        if name not in valid:
            raise unknown(f"option of prune with method {method!r}", name, valid)
    selecting = {name: value for name, value in options.items() if name in choosing}
    if not any(selecting.get(name) is not None for name in AMOUNTS):
        selecting |= module.METHOD.amount
    return selecting, {name: x for name, x in options.items() if name not in choosing}


def planned(method: str, options: Mapping[str, Any]) -> tuple[Selection, dict[str, Any]]:
    """Return the selection that a method will make of its scores, and the options of the scoring.

    Args:
        method: name of the method.
        options: as for `prune`.

    Raises:
        PruningError: what can be refused without a model.

    Example:
        >>> selection, scoring = planned("random", {"macs": 0.5, "seed": 3})
        >>> selection.request.amount, scoring
        ('macs', {'seed': 3})
    """
    selecting, scoring = parted(method, options)
    selector = plugins.find(criteria, method, "method").METHOD.selector
    return asked(selector, **selecting), scoring
