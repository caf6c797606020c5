"""Score, prune a part, train, and again, until the target is reached."""

import time
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError, unknown
from tfprune.graph import analyse
from tfprune.pruning import PruningReport, parted
from tfprune.remarks import remarks
from tfprune.scoring import Scores, score
from tfprune.selecting import select
from tfprune.surgery import rebuild
from tfprune.verification import verify

# Share of the whole cut that is made after the share t of the steps.
COURSES: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "cubic": lambda t: 1 - (1 - t) ** 3,  # Zhu and Gupta, To Prune or Not to Prune, 2017, eq. 1
}


def iterative(
    model: keras.Model,
    batches: Any,
    fine_tune: Callable[[keras.Model, str], keras.Model],
    *,
    method: str,
    steps: int,
    course: str = "cubic",
    **options: Any,
) -> tuple[keras.Model, list[PruningReport]]:
    """Prune in several steps, scoring anew each time, with training in between.

    Every step chooses among all channels of the unpruned model, where those that are gone rank
    last: amounts always are in terms of that model, and nothing is rounded twice.

    Args:
        model: a functional or Sequential model; it is not changed.
        batches: what the criterion scores on, read once per step; no iterator.
        fine_tune: `fine_tune(smaller, "step 1")` returns the trained model; not called after the
            last step, whose training is the caller's.
        method: name of the method.
        steps: how many, at least 2.
        course: "linear", or "cubic": large steps first.
        **options: as for `tfprune.prune`, with one of ratio, macs and params as the target.

    Returns:
        The smaller model, and a report per step with the keep masks of the unpruned model.

    Raises:
        PruningError: no such target or course, too few steps, an iterator, and as `prune`.

    Example:
        >>> import keras
        >>> layers = [keras.Input((2,)), keras.layers.Dense(16, name="a"), keras.layers.Dense(1)]
        >>> small, reports = iterative(
        ...     keras.Sequential(layers), None, lambda m, step: m, method="l1", steps=2, ratio=0.5
        ... )
        >>> [int(report.keep["a"].sum()) for report in reports]
        [9, 8]
    """
    kind = _check(batches, steps, course, options)
    inexact = options.pop("allow_inexact", False)
    selecting, scoring = parted(method, options)
    whole = analyse(model, allow_inexact=inexact)
    keep = {name: np.ones(len(ids), bool) for name, ids in whole.producers.items()}
    reports: list[PruningReport] = []
    for step in range(1, steps + 1):
        selecting[kind] = _amount(kind, options[kind], COURSES[course](step / steps))
        clock = [time.perf_counter()]
        graph = analyse(model, allow_inexact=inexact)
        scores = _lifted(score(graph, method, batches, **scoring), keep)
        clock.append(time.perf_counter())
        chosen = select(whole, scores, **selecting)
        now = {name: mask[keep[name]] for name, mask in chosen.items()}
        small, keep = rebuild(graph, now), chosen
        clock.append(time.perf_counter())
        params = (whole.model.count_params(), small.count_params())
        seconds = dict(zip(("score", "rebuild"), np.diff(clock).tolist(), strict=True))
        told = tuple(remarks(whole, scores, keep))
        check = verify(graph, now, small)
        reports.append(PruningReport(method, keep, scores, check, params, seconds, told))
        model = fine_tune(small, f"step {step}") if step < steps else small
    return model, reports


def _amount(kind: str, target: float, share: float) -> float:
    return target * share if kind == "ratio" else 1 - (1 - target) * share


def _lifted(scores: Scores, keep: dict[str, np.ndarray]) -> Scores:
    """Return the scores in terms of the unpruned model; channels that are gone rank last."""
    lowest = min((float(np.min(value)) for value in scores.values()), default=0.0)
    last = 0.0 if lowest > 0 else lowest - 1e-6 * (1 + abs(lowest))
    lifted = {}
    for name, value in scores.items():
        lifted[name] = np.full(len(keep[name]), last)
        lifted[name][keep[name]] = value
    return replace(scores, by_layer=lifted)


def _check(batches: Any, steps: int, course: str, options: dict[str, Any]) -> str:
    given = [name for name in ("ratio", "macs", "params") if options.get(name) is not None]
    if len(given) != 1:
        raise PruningError(
            "iterative: expected one target of ratio, macs and params, received "
            f"{' and '.join(given) or 'none'}: a step is a part of a target."
        )
    if not isinstance(steps, Integral) or steps < 2:
        raise PruningError(
            f"iterative: expected steps of 2 or more, received {steps!r}. One step is "
            "tfprune.prune."
        )
    if course not in COURSES:
        raise unknown("course of iterative pruning", course, COURSES)
    if batches is not None and iter(batches) is batches:
        raise PruningError(
            "iterative: the batches are read once per step, which an iterator does not allow. "
            "Pass a list, arrays or a dataset."
        )
    return given[0]
