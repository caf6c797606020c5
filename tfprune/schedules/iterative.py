"""Score, prune a part, train, and again, until the target is reached."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from numbers import Integral
from typing import Any, Unpack

import keras

from tfprune.errors import PruningError, unknown
from tfprune.graph.analysis import analyse
from tfprune.passes.reader import require_rereadable
from tfprune.pruning.planning import PruningOptions, parted
from tfprune.pruning.report import PruningReport
from tfprune.schedules._choice import Choice, Masks
from tfprune.schedules._schedule import Outcome, Schedule, Stages
from tfprune.selection.request import AMOUNTS
from tfprune.surgery.rebuilding import rebuild
from tfprune.surgery.verification import verify

TARGETS = ("ratio", "macs", "params")

# Share of the whole cut that is made after the share t of the steps.
COURSES: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "cubic": lambda t: 1 - (1 - t) ** 3,  # Zhu and Gupta, To Prune or Not to Prune, 2017, eq. 1
}

SCHEDULE = Schedule(settings={"steps": 3, "course": "cubic"})


def iterative(
    model: keras.Model,
    data: Any,
    fine_tune: Callable[[keras.Model, str], keras.Model],
    *,
    method: str,
    steps: int,
    course: str = "cubic",
    recall: Callable[[str, Callable[[], Masks]], Masks] | None = None,
    allow_inexact: bool = False,
    **options: Unpack[PruningOptions],
) -> tuple[keras.Model, list[PruningReport]]:
    """Prune in several steps, scoring anew each time, with training in between.

    Every step chooses among all channels of the unpruned model, where those that are gone rank
    last and stay gone: amounts always are in terms of that model, and nothing is rounded twice.

    Args:
        model: a functional or Sequential model; it is not changed.
        data: what the criterion scores on, read once per step; no iterator.
        fine_tune: `fine_tune(smaller, "step 1")` returns the trained model; not called after the
            last step, whose training is the caller's.
        method: name of the method; one that scores single channels.
        steps: how many, at least 2.
        course: "linear", or "cubic": large steps first.
        recall: `recall("step 1", choose)` returns the step's keep masks, from an earlier run or
            else from `choose()`; None: always the latter.
        allow_inexact: as for `tfprune.prune`.
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
    _check(data, steps, course)
    kind, target = _target(method, options)
    choice = Choice(model, data, method, options, allow_inexact)
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


def run(stages: Stages, *, steps: int, course: str) -> Outcome:
    """Score, prune a part and train, several times.

    Args:
        stages: of the run.
        steps: as for `iterative`.
        course: as for `iterative`.
    """
    small, reports = iterative(
        stages.model, stages.sample(), stages.train, recall=stages.recall, method=stages.method,
        steps=steps, course=course, **stages.options,
    )  # fmt: skip
    stages.keep(reports[-1].keep)
    steps_made = {f"step {number}": report for number, report in enumerate(reports, 1)}
    proofs = {name: report.verification for name, report in steps_made.items()}
    seconds = {name: report.seconds["step"] for name, report in steps_made.items()}
    texts = [f"{name}: {proof}" for name, proof in proofs.items()]
    observations, scores = reports[-1].observations, reports[-1].scores.by_channel()
    text = "\n".join([*observations, *texts])
    return Outcome(small, text, seconds, proofs, observations, scores)


def _target(method: str, options: Mapping[str, Any]) -> tuple[str, float]:
    """Return the one target that is asked for, or that the method's paper has, and its value."""
    selecting, _ = parted(method, options)
    given = [name for name in AMOUNTS if selecting.get(name) is not None]
    if len(given) != 1 or given[0] not in TARGETS:
        received = [
            n if options.get(n) is not None else f"{n} (as {method!r} by itself)" for n in given
        ]
        raise PruningError(
            f"iterative: expected one target of ratio, macs and params, received "
            f"{' and '.join(received) or 'none'}: a step is a part of a target. Ask for ratio, "
            "macs or params instead."
        )
    return given[0], selecting[given[0]]


def _check(data: Any, steps: int, course: str) -> None:
    if not isinstance(steps, Integral) or steps < 2:
        raise PruningError(
            f"iterative: expected steps of 2 or more, received {steps!r}. One step is "
            "tfprune.prune."
        )
    if course not in COURSES:
        raise unknown("course of iterative pruning", course, COURSES)
    require_rereadable(data, "iterative: the data is read once per step")
