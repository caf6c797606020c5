"""One choice of channels, carried out layer by layer with training in between."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.coupling import distance, together
from tfprune.schedules._schedule import Outcome, Schedule, Stages
from tfprune.surgery.masks import kept_ids
from tfprune.surgery.rebuilding import rebuild
from tfprune.surgery.verification import Verification, verify

SCHEDULE = Schedule(settings={"layer_rate": None}, scores_once=True, ends_trained=True)


def layer_by_layer(
    model: keras.Model,
    keep: Mapping[str, np.ndarray],
    fine_tune: Callable[[keras.Model, str], keras.Model],
    *,
    allow_inexact: bool = False,
) -> tuple[keras.Model, dict[str, Verification]]:
    """Cut one layer, with those coupled to it, train, and go on to the next, from the input on.

    The choice stays as it was made, on the whole model: GFBS' smooth mode (Liu et al. 2021) and
    GFI-AP's layerwise retraining. Each cut is compared with its masked model.

    Args:
        model: a functional or Sequential model; it is not changed.
        keep: {layer: bool [C], True = kept}, as `tfprune.select` returns them.
        fine_tune: `fine_tune(smaller, layer)` returns the trained model, whose layers have the
            same names; called after each cut with the name of the first layer cut.
        allow_inexact: as for `tfprune.analyse`.

    Returns:
        The model with all cuts made, trained, and {layer: proof} of each cut.

    Raises:
        PruningError: masks that do not suit the model, or that remove nothing.

    Example:
        >>> import keras, numpy, tfprune
        >>> layers = [keras.layers.Dense(2, name=name) for name in "abc"]
        >>> model = keras.Sequential([keras.Input((2,)), *layers])
        >>> keep = {name: numpy.array([True, False]) for name in "ab"}
        >>> order = []
        >>> small, _ = layer_by_layer(model, keep, lambda m, layer: order.append(layer) or m)
        >>> order, small.count_params()
        (['a', 'b'], 9)
    """
    graph = analyse(model, allow_inexact=allow_inexact)
    kept_ids(graph, keep)  # refuses before anything is trained what the last cut would refuse
    stages = list(_stages(graph, keep))
    if not stages:
        raise PruningError("layer_by_layer: the keep masks remove nothing. Choose other ones.")
    proofs = {}
    for name, masks in stages:
        graph = analyse(model, allow_inexact=allow_inexact)
        small = rebuild(graph, masks)
        proofs[name] = verify(graph, masks, small)
        model = fine_tune(small, name)
    return model, proofs


def run(stages: Stages, *, layer_rate: float | None) -> Outcome:
    """Choose on the whole model, then cut and train layer by layer.

    Args:
        stages: of the run.
        layer_rate: GFI-AP's rate, which grows with the accuracy that a cut has lost on the
            training split, see `regain_rate`; None: the recipe's learning rate.
    """
    before = cache(lambda: stages.accuracy(stages.model))

    def rate(model: keras.Model) -> float:
        return regain_rate(before(), stages.accuracy(model), layer_rate)

    whole = stages.cut(stages.model)
    train = partial(stages.train, rate=None if layer_rate is None else rate)
    small, proofs = layer_by_layer(
        stages.model, stages.masks(), train, allow_inexact=stages.inexact
    )
    texts = [f"{layer}: {proof}" for layer, proof in proofs.items()]
    return replace(
        whole,
        model=small,
        text="\n".join([whole.text, *texts]),
        proofs={**whole.proofs, **proofs},
    )


def regain_rate(before: float, now: float, layer_rate: float) -> float:
    """Return GFI-AP's learning rate for the training after a layer's cut.

    0.05 times the lost accuracy in percentage points times `layer_rate` (its code; the paper has
    no equation for it), and 0, which means no training, where nothing was lost.

    Args:
        before: accuracy of the unpruned model, in [0, 1].
        now: accuracy after the cut, in [0, 1].
        layer_rate: rate for a loss of 20 points, > 0; 0.008 for ResNet-32 on CIFAR-10.

    Raises:
        PruningError: a rate that is not above 0, which would never train anything.

    Example:
        >>> round(regain_rate(0.92, 0.72, 0.008), 6), regain_rate(0.9, 0.91, 0.008)
        (0.008, 0.0)
    """
    if not layer_rate > 0:
        raise PruningError(f"layer_rate: expected a learning rate above 0, received {layer_rate}.")
    return max(0.0, 100 * (before - now)) * 0.05 * layer_rate


def _stages(
    graph: ChannelGraph, keep: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield the first layer and the masks of each set of coupled layers that loses channels."""
    done: set[str] = set()
    for name in sorted(keep, key=distance(graph)):
        if name in done or np.all(keep[name]):
            continue
        members = together(graph, name)
        done |= members
        yield name, {layer: keep[layer] for layer in keep if layer in members}
