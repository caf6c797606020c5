"""Score, select, rebuild and verify in one call."""

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

import keras
import numpy as np

from tfprune.checks import check_bool
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.batch import Batch
from tfprune.passes.reader import read, require_rereadable
from tfprune.pruning.planning import PruningOptions, begun
from tfprune.pruning.report import PruningReport
from tfprune.pruning.stage_times import StageTimes
from tfprune.reconstruction.measuring import MEASURED, Measuring
from tfprune.reconstruction.reconstructing import reconstruct as solve_anew
from tfprune.scoring.scoring import score
from tfprune.selection.selecting import extremes
from tfprune.surgery.original_class import as_class as as_original_class
from tfprune.surgery.rebuilding import rebuild
from tfprune.surgery.sample_inputs import UnprovenError
from tfprune.surgery.verification import Verification, verify
from tfprune.training.identity import digest


def prune(
    model: keras.Model,
    data: Any = None,
    method: str = "group_l2",
    *,
    allow_inexact: bool = False,
    inputs: Any = None,
    reconstruct: bool = False,
    calibration: Any = None,
    as_class: bool = False,
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
        as_class: return a smaller configuration of the model's own class, as `tfprune.as_class`
            does, so that a backbone's tokenizers and tasks go on working. It takes a cut that is
            the same in every block: `scope="layer"`, and `include=` of what an argument counts.
        **options: options of `tfprune.select` (`ratio=0.5`, `macs=0.5`, `scope="global"`, ...),
            of `tfprune.score` (`coupled="pin"`) and of the criterion (`w_beta=0.05`, `seed=3`,
            ...). Without an amount the method's own default holds, where its paper has one. With
            `scope="sensitivity"` and `macs=` or `params=`, how much goes of which layer is
            measured: `tfprune.sensitivity`.

    Returns:
        The smaller model, verified, and a report with the keep masks.

    Raises:
        PruningError: as `analyse`, `score`, `select`, `rebuild`, `verify`, `reconstruct` and
            `as_class`.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
        ...                           keras.layers.Dense(2)])
        >>> small, report = tfprune.prune(model, ratio=0.5)
        >>> small.get_layer("hidden").units
        4
    """
    check_bool("as_class", as_class)
    samples = _calibration(data, calibration, options, reconstruct=reconstruct)
    times = StageTimes(5 + reconstruct + as_class)
    graph, selection, scoring = begun(model, method, options, inexact=allow_inexact)
    times.end("analyse")
    scores = score(graph, method, data, **scoring)
    times.end("score")
    if isinstance(selection, Measuring):
        selection = selection.on(samples)
    keep, notes = selection.choose(graph, scores)
    times.end("select")
    small, found = rebuild(graph, keep), None
    times.end("rebuild")
    check = _verified(graph, keep, small, inputs, data)
    times.end("verify")
    if reconstruct:
        small, found = solve_anew(graph, keep, small, samples)
        times.end("reconstruct")
    if as_class:
        small = as_original_class(small, model)
        times.end("as_class")
    params = (model.count_params(), small.count_params())
    report = PruningReport(
        method, keep, scores, check, params, times.seconds,
        observations=(*extremes(graph, scores, keep), *notes), reconstruction=found,
        settings={**options, "allow_inexact": allow_inexact}, original=digest(model.get_weights()),
    )  # fmt: skip
    return small, report


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
