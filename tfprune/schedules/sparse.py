"""Sparse training: a penalty draws channels to zero while they train; then they go."""

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Unpack

import keras
import tensorflow as tf

from tfprune.checks import check_bool
from tfprune.criteria._norms import scaled_norms
from tfprune.errors import PruningError, unknown
from tfprune.graph.analysis import analyse
from tfprune.pruning.one_call import prune
from tfprune.pruning.planning import PruningOptions, planned
from tfprune.pruning.report import PruningReport
from tfprune.schedules._schedule import Outcome, Schedule, Stages
from tfprune.schedules._shrinking import PENALISED, shrinking

SCHEDULE = Schedule(settings={"penalty": 1e-4, "penalised": "units"})


class SparseTraining(keras.callbacks.Callback):
    """After each step, shrink what a penalty shrinks: channels that the loss does not need vanish.

    The penalty joins the loss by its proximal step, so that zeros are zeros: a norm n becomes
    max(n - rate * penalty, 0), where rate is the optimizer's learning rate.

    - "scales", penalty * sum |gamma| over the scales of all normalisations: network slimming (Liu
      et al., ICCV 2017, eq. 1), the training that the criterion "bn_scale" means.
    - "units", penalty * sum ||w[u]|| over the units, w[u] all weights that belong to unit u, also
      those that read it: a group lasso on coupled parameters (Fang et al., DepGraph, CVPR 2023,
      sec. 3.3), the training that suits "group_l2". A weight between two units is shrunk for both.

    Pinned channels are left alone.

    Args:
        penalty: > 0; network slimming's is 1e-4 or 1e-5.
        penalised: "scales" or "units".
        allow_inexact: as for `tfprune.analyse`.

    Raises:
        PruningError: another penalty or kind; before training, "scales" of a model without any.

    Example:
        >>> import keras, numpy, tfprune
        >>> layers = [keras.Input((2,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(2)]
        >>> data = numpy.eye(2, dtype="float32"), numpy.arange(2)
        >>> trained, _ = tfprune.fine_tune(
        ...     keras.Sequential(layers), data, epochs=1, callbacks=[SparseTraining(1e9)]
        ... )
        >>> bool((trained.get_layer("a").get_weights()[0] == 0).all())
        True
    """

    def __init__(
        self, penalty: float = 1e-4, penalised: str = "units", *, allow_inexact: bool = False
    ):
        super().__init__()
        if isinstance(penalty, bool) or not isinstance(penalty, Real) or not penalty > 0:
            raise PruningError(f"sparse: penalty must be a number above 0, received {penalty!r}.")
        if penalised not in PENALISED:
            raise unknown("kind of weights to penalise", penalised, PENALISED)
        check_bool("allow_inexact", allow_inexact)
        self.penalty, self.penalised, self.inexact = penalty, penalised, allow_inexact
        self._shrink: Callable | None = None

    def check(self, model: keras.Model) -> None:
        """Refuse a model that has nothing to penalise.

        Args:
            model: the model that is to be trained.

        Raises:
            PruningError: "scales" of a model without normalisations that have a scale.
        """
        if self.penalised == "scales":
            graph = analyse(model, allow_inexact=self.inexact, open_layers=False)
            if not scaled_norms(graph):
                raise PruningError(
                    f"sparse: penalised='scales' needs batch normalisation with a scale; model "
                    f"{model.name!r} has none. Use penalised='units'."
                )

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Find what is penalised."""
        self.check(self.model)
        graph = analyse(self.model, allow_inexact=self.inexact, open_layers=False)
        self._shrink = shrinking(graph, self.penalised)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Shrink."""
        rate = tf.cast(tf.convert_to_tensor(self.model.optimizer.learning_rate), tf.float32)
        self._shrink(rate * self.penalty)


def sparse(
    model: keras.Model,
    batches: Any,
    fine_tune: Callable[..., keras.Model],
    *,
    method: str = "group_l2",
    penalty: float = 1e-4,
    penalised: str = "units",
    allow_inexact: bool = False,
    **options: Unpack[PruningOptions],
) -> tuple[keras.Model, PruningReport]:
    """Train with a penalty on channels, then remove what has the lowest scores.

    Args:
        model: a functional or Sequential model; it is not changed.
        batches: what the criterion scores on, None for "group_l2" and "bn_scale".
        fine_tune: `fine_tune(model, "sparse", callbacks=[...])` returns the trained model, as the
            last epoch left it.
        method: name of the criterion; "bn_scale" with penalised="scales" is network slimming.
        penalty: as for `SparseTraining`.
        penalised: as for `SparseTraining`.
        allow_inexact: as for `tfprune.prune`.
        **options: as for `tfprune.prune`.

    Returns:
        The smaller model and the report, as `tfprune.prune`.

    Raises:
        PruningError: as `SparseTraining` and `tfprune.prune`, before anything is trained.
    """
    training = SparseTraining(penalty, penalised, allow_inexact=allow_inexact)
    training.check(model)
    planned(method, options)[0].check(analyse(model, allow_inexact=allow_inexact))
    trained = fine_tune(model, "sparse", callbacks=[training])
    return prune(trained, batches, method, allow_inexact=allow_inexact, **options)


def run(stages: Stages, *, penalty: float, penalised: str) -> Outcome:
    """Train with a penalty, then cut.

    Args:
        stages: of the run.
        penalty: as for `SparseTraining`.
        penalised: as for `SparseTraining`.
    """
    training = SparseTraining(penalty, penalised, allow_inexact=stages.inexact)
    training.check(stages.model)
    return stages.cut(stages.train(stages.model, "sparse", callbacks=[training]))
