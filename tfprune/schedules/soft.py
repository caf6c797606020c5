"""Soft filter pruning: filters are zeroed while they train, and go at the end (He et al. 2018)."""

from collections.abc import Callable, Mapping
from typing import Any, Unpack

import keras
import numpy as np

from tfprune.checks import check_bool
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.reader import require_rereadable
from tfprune.pruning.one_call import prune
from tfprune.pruning.planning import PruningOptions, planned
from tfprune.pruning.report import PruningReport
from tfprune.schedules._schedule import Outcome, Schedule, Stages
from tfprune.scoring.scoring import score

# Clipped: else filters of zeros leap, see `SoftPruning`.
SCHEDULE = Schedule(clip_norm=1.0)


class SoftPruning(keras.callbacks.Callback):
    """After each epoch, set the filters that would be pruned now to zero; they train on.

    The zeros are of the filters' kernels and biases alone, as in the paper (Soft Filter Pruning,
    IJCAI 2018, algorithm 1): a filter that matters grows back.

    Args:
        data: what the criterion scores on, None for "l2".
        method: name of the criterion, by default the paper's.
        **options: as for `tfprune.prune`: an amount such as `ratio=0.3`, the selection's and the
            criterion's.

    Raises:
        PruningError: no amount, an unknown method or option, or an iterator; before the first
            epoch what the model shows to be impossible.

    Train with `restore_best=False`: the best epoch's weights are kept as they were before zeroing.
    Train with `clip_norm=1.0` too: BatchNormalization divides the gradient of a filter of zeros by
    the root of its epsilon, and from a trained network such filters leap far beyond the others
    (docs/results.md).

    Example:
        >>> import keras, numpy, tfprune
        >>> layers = [keras.Input((2,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(2)]
        >>> data = numpy.eye(2, dtype="float32"), numpy.arange(2)
        >>> trained, _ = tfprune.fine_tune(
        ...     keras.Sequential(layers), data, epochs=1, clip_norm=1.0,
        ...     callbacks=[SoftPruning(ratio=0.5)],
        ... )
        >>> int((trained.get_layer("a").get_weights()[0] == 0).all(axis=0).sum())
        2
    """

    def __init__(
        self,
        data: Any = None,
        method: str = "l2",
        *,
        allow_inexact: bool = False,
        **options: Unpack[PruningOptions],
    ):
        super().__init__()
        require_rereadable(data, "soft pruning: the data is read after each epoch")
        check_bool("allow_inexact", allow_inexact)
        self.inexact = allow_inexact
        self.selection, self.scoring = planned(method, options)
        self.data, self.method = data, method

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Refuse what cannot be chosen before an epoch is spent."""
        self.check(self.model)

    def check(self, model: keras.Model) -> None:
        """Refuse what cannot be chosen of a model, whatever the scores.

        Args:
            model: the model that is to be trained.

        Raises:
            PruningError: as `tfprune.prune`.
        """
        self.selection.check(analyse(model, allow_inexact=self.inexact, open_layers=False))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Choose and zero."""
        graph = analyse(self.model, allow_inexact=self.inexact, open_layers=False)
        scores = score(graph, self.method, self.data, **self.scoring)
        zero(graph, self.selection.choose(graph, scores)[0])


def zero(graph: ChannelGraph, keep: Mapping[str, np.ndarray]) -> None:
    """Set the filters that are not kept to zero, in the graph's own model.

    Args:
        graph: channel graph of the model.
        keep: {layer: bool [C], True = kept}.
    """
    for name, mask in keep.items():
        owner, ids = graph.owners[name], graph.producers[name]
        gone = ids[~mask]
        for slot in owner.slots.values():
            places = np.isin(slot.ids, gone)
            if not slot.reads and places.any():
                weight = owner.operation.weights[slot.weight]
                values = np.moveaxis(np.array(weight), slot.axis, 0)
                values[places] = 0
                weight.assign(np.moveaxis(values, 0, slot.axis))


def soft(
    model: keras.Model,
    data: Any,
    fine_tune: Callable[..., keras.Model],
    *,
    method: str = "l2",
    allow_inexact: bool = False,
    **options: Unpack[PruningOptions],
) -> tuple[keras.Model, PruningReport]:
    """Train with soft pruning, then remove what has the lowest scores.

    Args:
        model: a functional or Sequential model; it is not changed.
        data: what the criterion scores on, None for "l2".
        fine_tune: `fine_tune(model, "soft", callbacks=[...])` returns the trained model, as the
            last epoch left it.
        method: name of the criterion.
        allow_inexact: as for `tfprune.prune`.
        **options: as for `tfprune.prune`.

    Returns:
        The smaller model and the report, as `tfprune.prune`.

    Raises:
        PruningError: as `tfprune.prune`.
    """
    pruning = SoftPruning(data, method, allow_inexact=allow_inexact, **options)
    pruning.check(model)
    trained = fine_tune(model, "soft", callbacks=[pruning])
    return prune(trained, data, method, allow_inexact=allow_inexact, **options)


def run(stages: Stages) -> Outcome:
    """Zero the filters while they train, then remove them.

    Args:
        stages: of the run.
    """
    options = dict(stages.options)
    pruning = SoftPruning(stages.sample(), stages.method, **options)
    pruning.check(stages.model)
    return stages.cut(stages.train(stages.model, "soft", callbacks=[pruning]))
