"""Score, prune a part, train, and again, until the target is reached."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import Any

import keras
import numpy as np

from tfprune.batches import require_rereadable
from tfprune.errors import PruningError, unknown
from tfprune.graph import analyse
from tfprune.pruning import PruningReport, parted, planned
from tfprune.remarks import remarks
from tfprune.request import check_bool
from tfprune.scaling import scaled
from tfprune.scoring import Scores, score
from tfprune.selecting import choose
from tfprune.surgery import rebuild
from tfprune.verification import Verification, verify

Masks = dict[str, np.ndarray]

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
    recall: Callable[[str, Callable[[], Masks]], Masks] | None = None,
    **options: Any,
) -> tuple[keras.Model, list[PruningReport]]:
    """Prune in several steps, scoring anew each time, with training in between.

    Every step chooses among all channels of the unpruned model, where those that are gone rank
    last and stay gone: amounts always are in terms of that model, and nothing is rounded twice.

    Args:
        model: a functional or Sequential model; it is not changed.
        batches: what the criterion scores on, read once per step; no iterator.
        fine_tune: `fine_tune(smaller, "step 1")` returns the trained model; not called after the
            last step, whose training is the caller's.
        method: name of the method; one that scores single channels.
        steps: how many, at least 2.
        course: "linear", or "cubic": large steps first.
        recall: `recall("step 1", choose)` returns the step's keep masks, from an earlier run or
            else from `choose()`; None: always the latter.
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
    target = options[kind]
    choice = _Choice(model, batches, method, options)
    reports: list[PruningReport] = []
    for step in range(1, steps + 1):
        share = COURSES[course](step / steps)
        amount = {kind: target * share if kind == "ratio" else 1 - (1 - target) * share}
        name, choose = f"step {step}", partial(choice.masks, model, amount)
        before, started = choice.keep, time.perf_counter()
        choice.keep = recall(name, choose) if recall else choose()
        now = {layer: mask[before[layer]] for layer, mask in choice.keep.items()}
        graph = analyse(model, allow_inexact=choice.inexact)
        small = rebuild(graph, now)
        reports.append(choice.report(small, verify(graph, now, small), started))
        model = fine_tune(small, name) if step < steps else small
    return model, reports


class _Choice:
    """What is chosen so far, in terms of the unpruned model."""

    def __init__(self, model: keras.Model, batches: Any, method: str, options: dict[str, Any]):
        self.batches, self.method = batches, method
        self.inexact = options.pop("allow_inexact", False)
        check_bool("allow_inexact", self.inexact)
        self.selecting, self.scoring = parted(method, options)
        self.whole = analyse(model, allow_inexact=self.inexact)
        planned(method, self.selecting).check(self.whole)
        self.keep = {name: np.ones(len(ids), bool) for name, ids in self.whole.producers.items()}
        self.scores, self.notes = Scores(method, {}), []

    def masks(self, model: keras.Model, amount: dict[str, float]) -> Masks:
        """Score the smaller model and return which channels of the unpruned one stay."""
        graph = analyse(model, allow_inexact=self.inexact)
        found = score(graph, self.method, self.batches, **self.scoring)
        self.scores = _lifted(found, self.keep)
        chosen, self.notes = choose(self.whole, self.scores, **self.selecting | amount)
        # A target cuts now this group further, now that one: what is gone stays gone.
        return {name: mask & self.keep[name] for name, mask in chosen.items()}

    def report(self, small: keras.Model, check: Verification, started: float) -> PruningReport:
        """Return the report of a step."""
        params = (self.whole.model.count_params(), small.count_params())
        told = (*remarks(self.whole, self.scores, self.keep), *self.notes)
        seconds = {"step": time.perf_counter() - started}
        return PruningReport(self.method, self.keep, self.scores, check, params, seconds, told)


def _lifted(scores: Scores, keep: Masks) -> Scores:
    """Return the scores in terms of the unpruned model; channels that are gone rank last."""
    values = {}
    for name, value in scores.items():
        if value.ndim != 1:
            raise PruningError(
                f"iterative: expected one score per channel, but {scores.criterion!r} compares "
                "channels with one another. Use another method, or prune in one shot."
            )
        # Before zeros for what is gone change the layers' means.
        values[name] = value if scores.comparable else scaled(value)
    lowest = min((float(value.min()) for value in values.values()), default=0.0)
    last = 0.0 if lowest > 0 else lowest - 1e-6 * (1 + abs(lowest))
    lifted = {}
    for name, value in values.items():
        lifted[name] = np.full(len(keep[name]), last)
        lifted[name][keep[name]] = value
    return replace(scores, by_layer=lifted, comparable=True)


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
    require_rereadable(batches, "iterative: the batches are read once per step")
    return given[0]
