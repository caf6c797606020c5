"""The one training loop, for training from scratch and for fine-tuning.

Its own, because Keras' `fit` fails under MultiWorkerMirroredStrategy, decouples the weight
decay and forgets where a killed run stood.
"""

import dataclasses
import math
import os
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tfprune.errors import PruningError, unknown
from tfprune.training import distillation as distilling
from tfprune.training import evaluation, losses, optimizers, schedules, steps
from tfprune.training.checkpoints import Checkpoints, Progress, digest
from tfprune.training.copying import assign, copy_model, reseed, values
from tfprune.training.distillation import Distillation
from tfprune.training.feeding import Feed, feed
from tfprune.training.recipe import Recipe


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


def fine_tune(
    model: keras.Model,
    data: object,
    *,
    validation: object = None,
    recipe: Recipe | None = None,
    teacher: keras.Model | Distillation | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoint_dir: str | os.PathLike | None = None,
    verbose: int = 0,
    **settings: object,
) -> tuple[keras.Model, History]:
    """Train a copy of a model, from where it stands.

    Runs under the current `tf.distribute` strategy; the model may come from outside its scope.
    With `checkpoint_dir`, a run that was killed and is started again with the same arguments
    goes on after its last finished epoch and ends with the same weights as one that was not:
    to the bit for data that is a function of the epoch (arrays, `split.epochs(...)`, a Dataset
    that is the same each time) and under `tf.config.experimental.enable_op_determinism()`
    where the device needs it. What callbacks remember for themselves is not in the checkpoint.

    Args:
        model: a functional or sequential model with one output; it is not changed.
        data: training batches: a tf.data.Dataset of (inputs, labels), a PyDataset, a pair of
            arrays (shuffled each epoch), or `split.epochs(...)` of `tfprune.data`.
        validation: of the same forms; it chooses the epoch. Never give the test split.
        recipe: the settings.
        teacher: a model to learn from as well, e.g. the one before pruning.
        callbacks: Keras callbacks, called as by `fit`. Those that set the learning rate need
            the constant schedule.
        checkpoint_dir: a folder for the checkpoint of this run; None: none.
        verbose: 0, or 1 for Keras' progress bar, or 2 for a line per epoch.
        **settings: fields of `Recipe`; they change the given recipe.

    Returns:
        The trained copy, not compiled, with the policies of the given model, and its history.

    Raises:
        PruningError: settings that contradict each other, data of another form, a loss that is
            not finite (the last checkpoint stays), or another run's `checkpoint_dir`.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        >>> data = np.eye(2), np.arange(2)
        >>> trained, history = fine_tune(model, data, epochs=3, learning_rate=0.1)
        >>> len(history.metrics["loss"])
        3
    """
    recipe = _complete(recipe, settings)
    source = feed(data, batch_size=recipe.batch_size, shuffle=True, seed=recipe.seed)
    held_out = None if validation is None else feed(validation)
    _check(recipe, source, held_out, callbacks)
    with tf.distribute.get_strategy().scope():
        run = _Run(model, recipe, teacher)
        saved = Checkpoints(
            checkpoint_dir, _settings(model, recipe, teacher, data, source), run.model
        )
        called = keras.callbacks.CallbackList(
            list(callbacks), add_progbar=verbose != 0, model=run.model,
            verbose=verbose, epochs=recipe.epochs, steps=source.steps,
        )  # fmt: skip
        run.train(source, held_out, saved, called)
        result = copy_model(model)
        progress = saved.progress
        assign(result, progress.best if progress.best else values(run.model))
    best = progress.best_epoch if progress.best else None
    return result, History(progress.metrics, best)


class _Run:
    """The model in training, with its steps; made in the strategy's scope."""

    def __init__(
        self, model: keras.Model, recipe: Recipe, teacher: keras.Model | Distillation | None
    ) -> None:
        loss = losses.choose(model, recipe.loss, recipe.label_smoothing)
        self.recipe = recipe
        self.model = copy_model(model, precision=recipe.precision)
        reseed(self.model, recipe.seed)
        optimizer = optimizers.build(recipe)
        optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer, loss if isinstance(loss, keras.losses.Loss) else None)
        self.highest = float(optimizer.learning_rate)
        self._rate_set: float | None = None
        per_sample = losses.per_sample(loss)
        self.train_step = steps.train_step(
            self.model, _objective(per_sample, teacher, self.model), recipe
        )
        self.test_step = steps.evaluation_step(self.model, per_sample)

    def train(
        self,
        source: Feed,
        held_out: Feed | None,
        saved: Checkpoints,
        callbacks: keras.callbacks.CallbackList,
    ) -> None:
        """Train the epochs that are not finished yet."""
        progress = saved.progress
        self.model.stop_training = progress.stopped
        callbacks.on_train_begin()
        while progress.epochs < self.recipe.epochs and not self.model.stop_training:
            logs = self._epoch(progress.epochs, source, held_out, callbacks)
            if held_out is not None and self.recipe.restore_best is not False:
                _keep_best(progress, logs, self.model)
            callbacks.on_epoch_end(progress.epochs, logs)
            for name, value in logs.items():
                progress.metrics.setdefault(name, []).append(float(value))
            progress.epochs += 1
            progress.stopped = bool(self.model.stop_training)
            saved.save()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        callbacks.on_train_end(None)

    def _epoch(
        self,
        epoch: int,
        source: Feed,
        held_out: Feed | None,
        callbacks: keras.callbacks.CallbackList,
    ) -> dict[str, float]:
        """Train one epoch and measure it on the validation split."""
        callbacks.on_epoch_begin(epoch)
        sums, logs, rate = steps.nothing(), {}, None
        batches = source.batches(epoch)
        for place in source.places():
            callbacks.on_train_batch_begin(place)
            if not self.recipe.fixed_rate:
                self._set_rate(source.steps, epoch * source.steps + place)
            rate = float(self.model.optimizer.learning_rate) if rate is None else rate
            try:
                sums = self.train_step(batches, sums)
            except tf.errors.OutOfRangeError:
                break
            logs = steps.metrics(sums)
            _require_finite(logs["loss"], epoch, place)
            callbacks.on_train_batch_end(place, logs)
            if self.model.stop_training:
                break
        source.finish()
        logs = {**logs, "learning_rate": rate}
        if held_out is not None:
            found = evaluation.run(self.test_step, held_out, callbacks)
            logs.update({f"val_{name}": value for name, value in found.items()})
        return logs

    def _set_rate(self, steps_per_epoch: int, step: int) -> None:
        optimizer = self.model.optimizer
        if self._rate_set is not None and float(optimizer.learning_rate) != self._rate_set:
            raise PruningError(
                f"A callback has set the learning rate to {float(optimizer.learning_rate):g} at "
                f"step {step}, where schedule={self.recipe.schedule!r} had set it to "
                f"{self._rate_set:g}. Use schedule='constant' without warm-up, or leave the "
                "callback out."
            )
        optimizer.learning_rate = schedules.build(self.recipe, self.highest, steps_per_epoch)(step)
        self._rate_set = float(optimizer.learning_rate)


def _objective(
    per_sample: losses.PerSample, teacher: keras.Model | Distillation | None, student: keras.Model
) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return the loss of each sample as a function of (inputs, labels, outputs)."""
    if teacher is None:
        return lambda inputs, labels, outputs: per_sample(labels, outputs)
    if isinstance(teacher, keras.Model):
        teacher = Distillation(teacher)
    weight, teachers_part = teacher.weight, distilling.term(teacher, student)

    def objective(inputs: tf.Tensor, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        own = per_sample(labels, outputs)
        return (1 - weight) * own + weight * teachers_part(inputs, outputs)

    return objective


def _complete(recipe: Recipe | None, settings: dict) -> Recipe:
    """Return the recipe with the settings put into it."""
    fields = [field.name for field in dataclasses.fields(Recipe)]
    for name in settings:
        if name not in fields:
            raise unknown("setting", name, fields)
    if recipe is not None:
        return dataclasses.replace(recipe, **settings)
    if "epochs" not in settings:
        raise PruningError("How long to train is missing: give epochs=..., or a recipe.")
    return Recipe(**settings)


def _check(
    recipe: Recipe,
    source: Feed,
    held_out: Feed | None,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    if recipe.restore_best and held_out is None:
        raise PruningError(
            "restore_best=True needs a validation split to choose the epoch by: give validation=..."
        )
    if not recipe.fixed_rate and source.steps is None:
        raise PruningError(
            f"schedule={recipe.schedule!r} with warmup_epochs={recipe.warmup_epochs} needs to know "
            "how many batches an epoch has, and this dataset does not say. Use "
            "dataset.apply(tf.data.experimental.assert_cardinality(steps))."
        )
    if (
        recipe.precision == "mixed_float16"
        and tf.distribute.get_strategy().num_replicas_in_sync > 1
    ):
        # Keras takes the first replica's word for whether all gradients are finite.
        raise PruningError(
            "precision='mixed_float16' is not safe under several replicas: use 'mixed_bfloat16'."
        )
    for callback in callbacks:
        _check_callback(callback, recipe)


def _check_callback(callback: keras.callbacks.Callback, recipe: Recipe) -> None:
    name = type(callback).__name__
    if isinstance(callback, keras.callbacks.BackupAndRestore):
        raise PruningError(f"{name} steers Keras' fit only: use checkpoint_dir=... instead.")
    setters = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
    if isinstance(callback, setters) and not recipe.fixed_rate:
        raise PruningError(
            f"{name} and schedule={recipe.schedule!r} with warmup_epochs={recipe.warmup_epochs} "
            "both set the learning rate. Use schedule='constant' without warm-up, or leave the "
            "callback out."
        )


def _require_finite(loss: float, epoch: int, place: int) -> None:
    if not math.isfinite(loss):
        raise PruningError(
            f"The loss became {loss} in epoch {epoch + 1}, step {place + 1} (both from 1). The "
            "last checkpoint, if there is one, stays as it was. Lower the learning rate, add "
            "warmup_epochs, or look for values in the data that are not finite."
        )


def _keep_best(progress: Progress, logs: dict[str, float], model: keras.Model) -> None:
    """Keep the model's state if the validation split likes this epoch better than all before."""
    name, sign = ("val_accuracy", 1) if "val_accuracy" in logs else ("val_loss", -1)
    before = progress.best_epoch
    if before is None or sign * logs[name] > sign * progress.metrics[name][before]:
        progress.best_epoch, progress.best = progress.epochs, values(model)


def _settings(
    model: keras.Model,
    recipe: Recipe,
    teacher: keras.Model | Distillation | None,
    data: object,
    source: Feed,
) -> dict:
    """Return what the outcome depends on, as plain values by name."""
    plain = {f.name: _plain(getattr(recipe, f.name)) for f in dataclasses.fields(recipe)}
    if isinstance(teacher, Distillation):
        plain |= {"teacher_weight": teacher.weight, "temperature": teacher.temperature}
        teacher = teacher.teacher
    return {
        **plain,
        "teacher": None if teacher is None else digest(teacher.get_weights()),
        "model": digest(model.get_weights()),
        "layers": [type(layer).__name__ for layer in model.layers],
        # Only a dataclass says what it is made of; others show their address.
        "data": repr(data) if dataclasses.is_dataclass(data) else type(data).__name__,
        "steps_per_epoch": source.steps,
    }


def _plain(value: object) -> object:
    if isinstance(value, keras.optimizers.Optimizer):
        return keras.optimizers.serialize(value)
    if isinstance(value, keras.losses.Loss):
        return keras.losses.serialize(value)
    return getattr(value, "__name__", str(value)) if callable(value) else value
