"""The one training loop, for training from scratch and for fine-tuning.

Its own, because Keras' `fit` fails under MultiWorkerMirroredStrategy, decouples the weight
decay and forgets where a killed run stood.
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf

from tfprune.checks import check_bool
from tfprune.distribution.workers import agreed
from tfprune.passes.bars import somebody_looks
from tfprune.passes.reader import require_rereadable
from tfprune.training import identity
from tfprune.training.checkpoints import Checkpoints
from tfprune.training.checks import check, complete
from tfprune.training.copying import assign, copy_model, state
from tfprune.training.distillation import Distillation
from tfprune.training.feeding import feed
from tfprune.training.options import RecipeOptions
from tfprune.training.recipe import Recipe
from tfprune.training.run import Run
from tfprune.training.unlabelled import labelled_by, only_teacher


@dataclasses.dataclass(frozen=True)
class History:
    """What a training measured.

    Args:
        metrics: one value per epoch by name: "loss", "accuracy", "learning_rate" (at the
            epoch's start), and with a validation split "val_loss" and "val_accuracy".
        best_epoch: the epoch, from 0, whose weights were returned because the validation split
            chose it; None: the last one.
    """

    metrics: dict[str, list[float]]
    best_epoch: int | None

    @property
    def best_row(self) -> int | None:
        """The best epoch as files and reports count them, from 1."""
        return None if self.best_epoch is None else self.best_epoch + 1


def fine_tune(  # noqa: PLR0913 - what a training is given, each a keyword
    model: keras.Model,
    data: object,
    *,
    validation: object = None,
    recipe: Recipe | None = None,
    teacher: keras.Model | Distillation | None = None,
    labels: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoint_dir: str | os.PathLike | None = None,
    verbose: int | None = None,
    **settings: Unpack[RecipeOptions],
) -> tuple[keras.Model, History]:
    """Train a copy of a model, from where it stands.

    Runs under the current `tf.distribute` strategy; the model may come from outside its scope.
    With `checkpoint_dir`, a run that was killed and is started again with the same arguments
    goes on after its last finished epoch and ends with the same weights as one that was not:
    to the bit on the same machine with as many threads, for data that is a function of the epoch
    (arrays, `split.epochs(...)`, a Dataset that is the same each time) and under
    `tf.config.experimental.enable_op_determinism()` where the device needs it. One that is asked
    to stop (`tfprune.training.stopping`) saves after the step that goes on, and later goes on
    after that step. Of callbacks, EarlyStopping, ReduceLROnPlateau and ModelCheckpoint go on with
    what they remembered; others begin anew. A checkpoint that is damaged is passed over for the
    one before, with a warning.

    Args:
        model: a functional or sequential model with one output; it is not changed.
        data: training batches (inputs, labels): `split.epochs(...)` of `tfprune.data`, a
            tf.data.Dataset, a distributed dataset, a PyDataset, a list of batches, another
            iterable that can be read again, or a pair of arrays (shuffled each epoch).
        validation: of the same forms; it chooses the epoch. Never give the test split.
        recipe: the settings.
        teacher: a model to learn from as well, e.g. the one before pruning.
        labels: False: learn from the teacher alone; the data may be inputs without labels, and
            "accuracy" is the agreement with the teacher's choice.
        callbacks: Keras callbacks, called as by `fit`. Those that set the learning rate need
            the constant schedule.
        checkpoint_dir: a folder for the checkpoint of this run; None: none.
        verbose: 0, or 1 for Keras' progress bar, or 2 for a line per epoch; None: the bar in a
            notebook and on a terminal, nothing elsewhere.
        **settings: fields of `Recipe`; they change the given recipe.

    Returns:
        The trained copy, not compiled, with the policies of the given model, and its history.

    Raises:
        PruningError: settings that contradict each other, data of another form, a loss that is
            not finite (the last checkpoint stays), or another run's `checkpoint_dir`.
        Stopped: it was asked to stop.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        >>> data = np.eye(2), np.arange(2)
        >>> trained, history = fine_tune(model, data, epochs=3, learning_rate=0.1)
        >>> len(history.metrics["loss"])
        3
    """
    recipe = complete(recipe, settings)
    verbose = int(somebody_looks()) if verbose is None else verbose
    for given in (data, validation):
        require_rereadable(given, "fine_tune: data and validation are read in every epoch")
    check_bool("labels", labels)
    teacher = teacher if labels else only_teacher(teacher)
    source = feed(
        data, model, batch_size=recipe.batch_size, shuffle=True, seed=recipe.seed, labels=labels
    )
    source = source if labels else labelled_by(source, teacher.teacher)
    held_out = None if validation is None else feed(validation, model, "fine_tune, validation")
    check(recipe, source, held_out, callbacks)
    with tf.distribute.get_strategy().scope():
        run = Run(model, recipe, teacher)
        saved = Checkpoints(
            checkpoint_dir, identity.settings(model, recipe, teacher, data, source), run.model
        )
        called = keras.callbacks.CallbackList(
            list(callbacks), add_progbar=verbose != 0, model=run.model,
            verbose=verbose, epochs=recipe.epochs, steps=source.steps,
        )  # fmt: skip
        run.train(source, held_out, saved, called)
        result = copy_model(model)
        progress = saved.progress
        # Without synchronised normalisations each worker has statistics of its own.
        assign(result, agreed(lambda: progress.best or state(run.model)))
    best = progress.best_epoch if progress.best else None
    return result, History(progress.metrics, best)
