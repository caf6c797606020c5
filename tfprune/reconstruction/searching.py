"""Search the amounts under a budget by what candidates make of the outputs."""

import os
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from tfprune.checks import check_seed, check_whole
from tfprune.errors import unknown
from tfprune.passes.progress import teller
from tfprune.reconstruction.amounts import Sensitivity, requested
from tfprune.reconstruction.judging import JUDGES, Judgements, Judging, key_of
from tfprune.reconstruction.samples import portions_of
from tfprune.selection.aiming import check_latency, tabled
from tfprune.selection.options import BudgetOptions
from tfprune.selection.request import Request

Masks = dict[str, np.ndarray]
_STEP = 0.5  # deviation of the logarithms of the first candidates' weights
_WIDER, _NARROWER = 1.5, 0.9  # after a better candidate and after a worse: one of five keeps it
_TRIES = 20  # draws that lead to masks judged before, each a little wider, until the search ends
_STRAY = 1.1  # after a draw that leads to masks judged before


def search(  # noqa: PLR0913 - how it is done, each a keyword
    measured: Sensitivity,
    data: Any,
    *,
    macs: float | None = None,
    params: float | None = None,
    latency: float | None = None,
    judge: str = "batchnorm",
    evaluations: int = 40,
    seed: int = 0,
    path: str | os.PathLike | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Unpack[BudgetOptions],
) -> dict[str, np.ndarray]:
    """Return the keep masks whose outputs are the nearest to the original's.

    The first candidate is `measured.keep(...)`. Each further one weighs the harm of each set of
    channels anew, by factors drawn around those of the best so far, and takes the least weighted
    harm under the same budget: all candidates are of equal cost. It is rebuilt, gets new BatchNorm
    statistics or new kernels, and is judged by the squared change of the outputs as a share of
    their variance, on every fifth sample, which is held out. No labels, no training.

    Args:
        measured: from `tfprune.sensitivity`.
        data: some hundred samples in any form that `tfprune.score` takes, scaled as in training.
        macs: share of the multiply-accumulates that is left, in (0, 1]; or
        params: share of the weights that is left; or
        latency: share of a batch's time that is left, as for `tfprune.select`. Candidates are of
            equal time by the table of the layers' times; the first and the best are measured.
        judge: what a candidate gets before it is judged: "batchnorm", new statistics, or
            "reconstruct", new kernels: about ten times as long, and nearer to what comes of it.
        evaluations: candidates that are judged.
        seed: of the drawn weights.
        path: a JSON file that keeps what was judged; a search that was interrupted goes on.
        progress: told after each candidate how many are judged, and of how many.
        **options: of `Sensitivity.keep`: `min_channels`, `round_to`, `input_shape`, and with
            `latency` also `table`, `runtime` and `batch_size`.

    Returns:
        {layer name: bool [C], True = kept}.

    Raises:
        PruningError: an option out of range, a budget out of reach, a time that was missed, a
            model without batch normalisation under that judge, or a file of another search.

    References:
        Li et al., EagleEye: Fast Sub-net Evaluation for Efficient Neural Network Pruning, ECCV
        2020, section 3: candidates are judged after new BatchNorm statistics.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> layers = [keras.Input((6,)), keras.layers.Dense(8, name="a"),
        ...           keras.layers.BatchNormalization(), keras.layers.Dense(2, name="head")]
        >>> graph = tfprune.analyse(keras.Sequential(layers))
        >>> images = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
        >>> measured = tfprune.sensitivity(graph, images)
        >>> keep = tfprune.search(measured, images, params=0.5, evaluations=2)
        >>> int(keep["a"].sum())
        3
    """
    _check(judge, evaluations, seed)
    request = _tabled(measured, macs=macs, params=params, latency=latency, **options)
    best, at_same_cost = measured.alike(request)
    judging = Judging(measured.graph, portions_of(measured.graph.model, data), judge, seed)
    known, climb = Judgements(path, judging.identity), _Climb(len(measured.curves), seed)
    lowest = known.harm(best, judging)
    climb.tried_first(best)
    told = teller(progress, "candidates", evaluations)
    for place in range(1, evaluations):
        told(place, evaluations)
        keep = climb.new(at_same_cost)
        if keep is None:
            break
        harm = known.harm(keep, judging)
        climb.learn(better=harm < lowest)
        lowest, best = min((lowest, best), (harm, keep), key=lambda pair: pair[0])
    told(evaluations, evaluations)
    if request.amount == "latency" and climb.best.any():
        best, _ = measured.weighted(np.exp(climb.best)).chosen(request)
    return best


def _tabled(measured: Sensitivity, **budget: Any) -> Request:
    """Return what is asked for; the table of a latency is made once for all candidates."""
    request = requested(**budget)
    if request.amount != "latency":
        return request
    check_latency(measured.graph, request)
    return tabled(measured.graph, request)


class _Climb:
    """Draws weights around the best ones so far, the step by Rechenberg's rule of one in five.

    Args:
        count: weights.
        seed: of the draws.
    """

    def __init__(self, count: int, seed: int):
        self.rng, self.step = np.random.default_rng(seed), _STEP
        self.best = self.last = np.zeros(count)
        self.tried: set[str] = set()

    def new(self, choose: Callable[[np.ndarray], Masks]) -> Masks | None:
        """Return masks that were not chosen before, or None where there seem to be none."""
        for _ in range(_TRIES):
            self.last = self.best + self.rng.normal(scale=self.step, size=len(self.best))
            keep = choose(np.exp(self.last))
            if self.tried_first(keep):
                return keep
            self.step *= _STRAY
        return None

    def tried_first(self, keep: Masks) -> bool:
        """Say whether masks are new, and remember them."""
        key = key_of(keep)
        new = key not in self.tried
        self.tried.add(key)
        return new

    def learn(self, *, better: bool) -> None:
        """Go on from the last weights where they were better."""
        self.best = self.last if better else self.best
        self.step *= _WIDER if better else _NARROWER


def _check(judge: str, evaluations: int, seed: int) -> None:
    """Refuse options out of range."""
    if judge not in JUDGES:
        raise unknown("judge of search", judge, JUDGES)
    check_whole("evaluations", evaluations)
    check_seed("seed", seed)
