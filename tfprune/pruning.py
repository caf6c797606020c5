"""Score, select, rebuild and verify in one call."""

import time
from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any, Unpack

import keras
import numpy as np

from tfprune import criteria, plugins
from tfprune.checks import check_bool
from tfprune.errors import PruningError, unknown
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.batch import Batch
from tfprune.passes.progress import Progress
from tfprune.passes.reader import read, require_rereadable
from tfprune.pruning_report import PruningReport
from tfprune.reconstruction.measuring import MEASURED, Measuring
from tfprune.reconstruction.reconstructing import reconstruct as solve_anew
from tfprune.scoring.options import CriterionOptions
from tfprune.scoring.scoring import criterion_options, score
from tfprune.selection import selectors
from tfprune.selection.options import SelectionOptions
from tfprune.selection.parsing import SELECTING, Selection, parsed, selector_options
from tfprune.selection.request import AMOUNTS
from tfprune.selection.selecting import extremes
from tfprune.surgery.rebuilding import rebuild
from tfprune.surgery.sample_inputs import UnprovenError
from tfprune.surgery.verification import Verification, verify
from tfprune.training.identity import digest


class PruningOptions(SelectionOptions, CriterionOptions, total=False):
    """The options of `tfprune.prune` beside its own: those of `select`, `score`, the criterion."""

    coupled: str | None
    progress: Progress | None


def prune(
    model: keras.Model,
    data: Any = None,
    method: str = "group_l2",
    *,
    allow_inexact: bool = False,
    inputs: Any = None,
    reconstruct: bool = False,
    calibration: Any = None,
    **options: Unpack[PruningOptions],
) -> tuple[keras.Model, PruningReport]:
    """Prune a model by a named method: analyse, score, select, rebuild, verify, reconstruct.

    What can be refused without scores is refused before anything is scored.

    Args:
        model: a built model of any kind; it is not changed. Composite layers and subclassed
            models are opened first, as by `tfprune.open_up`: what comes out is functional.
        data: what the criterion scores on, as for `tfprune.score`; None for a method that
            needs no data, such as the default.
        method: name of the method; by default the norm of all weights that go with a unit, ranked
            over all layers: no method that needs data was better (docs/choosing.md).
        allow_inexact: also prune channels whose removal changes a statistic over the others.
        inputs: what the smaller model is compared with the masked one on, as for
            `tfprune.verify`; by default random samples, or the first of the batches where those
            prove nothing: text, or a model that random numbers do not move.
        reconstruct: solve the kernels that lost inputs anew, without labels or training, as
            `tfprune.reconstruct` does: what comes out is useful at once.
        calibration: unlabelled samples for that, and for `scope="sensitivity"`; by default the
            batches. Some hundred to some thousand are enough.
        **options: options of `tfprune.select` (`ratio=0.5`, `macs=0.5`, `scope="global"`, ...),
            of `tfprune.score` (`coupled="pin"`) and of the criterion (`w_beta=0.05`, `seed=3`,
            ...). Without an amount the method's own default holds, where its paper has one. With
            `scope="sensitivity"` and `macs=` or `params=`, how much goes of which layer is
            measured: `tfprune.sensitivity`.

    Returns:
        The smaller model, verified, and a report with the keep masks.

    Raises:
        PruningError: as `analyse`, `score`, `select`, `rebuild`, `verify` and `reconstruct`.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
        ...                           keras.layers.Dense(2)])
        >>> small, report = tfprune.prune(model, ratio=0.5)
        >>> small.get_layer("hidden").units
        4
    """
    samples = _calibration(data, calibration, options, reconstruct=reconstruct)
    clock = _Clock()
    graph, selection, scoring = begun(model, method, options, inexact=allow_inexact)
    clock.tick("analyse")
    scores = score(graph, method, data, **scoring)
    clock.tick("score")
    if isinstance(selection, Measuring):
        selection = selection.on(samples)
    keep, notes = selection.choose(graph, scores)
    clock.tick("select")
    small, found = rebuild(graph, keep), None
    clock.tick("rebuild")
    check = _verified(graph, keep, small, inputs, data)
    clock.tick("verify")
    if reconstruct:
        small, found = solve_anew(graph, keep, small, samples)
        clock.tick("reconstruct")
    params = (model.count_params(), small.count_params())
    told = (*extremes(graph, scores, keep), *notes)
    report = PruningReport(
        method, keep, scores, check, params, clock.seconds, told, found,
        settings={**options, "allow_inexact": allow_inexact}, original=digest(model.get_weights()),
    )  # fmt: skip
    return small, report


_KEYWORDS = [name for name, x in signature(prune).parameters.items() if x.kind is x.KEYWORD_ONLY]


class _Clock:
    """Wall time of one stage after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def tick(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self._last = now - self._last, now


def _calibration(
    data: Any, calibration: Any, options: Mapping[str, Any], *, reconstruct: bool
) -> Any:
    """Return the samples to reconstruct with and to measure on; refuse them where none are used."""
    check_bool("reconstruct", reconstruct)
    why = "reconstruct=True" if reconstruct else f"scope={MEASURED!r}"
    if not reconstruct and options.get("scope") != MEASURED:
        if calibration is not None:
            raise PruningError(
                f"calibration has no effect without reconstruct=True or scope={MEASURED!r}: leave "
                "it out."
            )
        return None
    samples = data if calibration is None else calibration
    if samples is None:
        raise PruningError(
            f"{why} needs unlabelled samples, scaled as in training: pass calibration=..."
        )
    if calibration is None:
        require_rereadable(data, f"{why} reads the data once more")
    return samples


def _verified(
    graph: ChannelGraph,
    keep: Mapping[str, np.ndarray],
    small: keras.Model,
    inputs: Any,
    data: Any,
) -> Verification:
    """Verify on the given inputs, else on random ones, else on the first of the batches."""
    check, why = None, None
    try:
        check = verify(graph, keep, small, inputs=inputs)
    except UnprovenError as error:
        why = error
    used_up = isinstance(data, Iterator)  # by the scoring
    if inputs is None and not (data is None or used_up or (check and check.changed)):
        first = next(read(data, graph.model, "prune", limit=1))
        return verify(graph, keep, small, inputs=Batch(first.inputs))
    if why is not None:
        raise why
    return check


def require_possible(
    model: keras.Model,
    method: str,
    *,
    allow_inexact: bool = False,
    **options: Unpack[PruningOptions],
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
) -> tuple[ChannelGraph, Selection | Measuring, dict[str, Any]]:
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
            valid += _KEYWORDS
            raise unknown(f"option of prune with method {method!r}", name, valid)
    selecting = {name: value for name, value in options.items() if name in choosing}
    if not any(selecting.get(name) is not None for name in AMOUNTS):
        selecting |= module.METHOD.amount
    return selecting, {name: x for name, x in options.items() if name not in choosing}


def planned(
    method: str, options: Mapping[str, Any]
) -> tuple[Selection | Measuring, dict[str, Any]]:
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
    if selecting.get("scope") == MEASURED:
        return Measuring.asked(**selecting), scoring
    selector = plugins.find(criteria, method, "method").METHOD.selector
    return parsed(selector, **selecting), scoring
