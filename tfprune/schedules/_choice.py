"""What pruning in steps has chosen so far."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.analysis import analyse
from tfprune.pruning.planning import begun
from tfprune.pruning.report import PruningReport
from tfprune.reconstruction.measuring import Measuring
from tfprune.schedules._schedule import Masks
from tfprune.scoring.scores import Scores, scaled
from tfprune.scoring.scoring import score
from tfprune.selection.selecting import extremes
from tfprune.surgery.verification import Verification


class Choice:
    """What is chosen so far, in terms of the unpruned model.

    Args:
        model: the unpruned model.
        data: what the criterion scores on.
        method: name of the method.
        options: of the selection and the criterion, as for `tfprune.prune`.
        inexact: allow_inexact, as for `tfprune.analyse`.

    Raises:
        PruningError: what `tfprune.prune` refuses before it scores, and a method that compares
            channels with one another.
    """

    def __init__(
        self,
        model: keras.Model,
        data: Any,
        method: str,
        options: Mapping[str, Any],
        inexact: bool,
    ):
        self.data, self.method, self.inexact = data, method, inexact
        self.whole, self.selection, self.scoring = begun(model, method, options, inexact=inexact)
        if isinstance(self.selection, Measuring):
            raise PruningError(
                "iterative: scope='sensitivity' measures amounts for one cut. Use another scope, "
                "or prune in one shot."
            )
        if getattr(self.selection.selector, "OF_PAIRS", False):
            raise PruningError(
                f"iterative: expected one score per channel, but {method!r} compares channels "
                "with one another. Use another method, or prune in one shot."
            )
        self.keep = {name: np.ones(len(ids), bool) for name, ids in self.whole.producers.items()}
        self.scores, self.notes = Scores(method, {}), []

    def masks(self, model: keras.Model, amount: dict[str, float]) -> Masks:
        """Score the smaller model and return which channels of the unpruned one stay."""
        graph = analyse(model, allow_inexact=self.inexact)
        found = score(graph, self.method, self.data, **self.scoring)
        self.scores = _lifted(found, self.keep)
        chosen, self.notes = self.selection.at(**amount).choose(self.whole, self.scores)
        # A target cuts now this group further, now that one: what is gone stays gone.
        return {name: mask & self.keep[name] for name, mask in chosen.items()}

    def report(self, small: keras.Model, check: Verification, started: float) -> PruningReport:
        """Return the report of a step."""
        params = (self.whole.model.count_params(), small.count_params())
        observations = (*extremes(self.whole, self.scores, self.keep), *self.notes)
        seconds = {"step": time.perf_counter() - started}
        return PruningReport(
            self.method, self.keep, self.scores, check, params, seconds, observations
        )


def _lifted(scores: Scores, keep: Masks) -> Scores:
    """Return the scores in terms of the unpruned model; channels that are gone rank last."""
    values = {}
    for name, value in scores.items():
        # Before zeros for what is gone change the layers' means.
        values[name] = value if scores.comparable else scaled(value)
    lowest = min((float(value.min()) for value in values.values()), default=0.0)
    last = 0.0 if lowest > 0 else lowest - 1e-6 * (1 + abs(lowest))
    lifted = {}
    for name, value in values.items():
        lifted[name] = np.full(len(keep[name]), last)
        lifted[name][keep[name]] = value
    return replace(scores, by_layer=lifted, comparable=True)
