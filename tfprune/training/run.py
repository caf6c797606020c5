"""A model in training: its steps, its epochs, and what callbacks see of them."""

import math
from collections.abc import Callable

import keras
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.training import distillation as distilling
from tfprune.training import evaluation, losses, optimizers, schedules, steps
from tfprune.training.checkpoints import Checkpoints, Progress
from tfprune.training.copying import copy_model, reseed, values
from tfprune.training.distillation import Distillation
from tfprune.training.feeding import Feed, require_batches
from tfprune.training.recipe import Recipe


class Run:
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
        self.highest = optimizers.rate(optimizer)
        self.schedule: schedules.Schedule | None = None
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
        if not self.recipe.fixed_rate:
            self.schedule = schedules.build(self.recipe, self.highest, source.steps)
        self.model.stop_training = progress.stopped
        callbacks.on_train_begin()
        logs = None
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
        callbacks.on_train_end(logs)

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
        batches = source.batches(epoch, training=True)
        for place in source.places():
            callbacks.on_train_batch_begin(place)
            if self.schedule is not None:
                self._set_rate(epoch * source.steps + place)
            rate = optimizers.rate(self.model.optimizer) if rate is None else rate
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
        logs = {**require_batches(logs), "learning_rate": rate}
        if held_out is not None:
            found = evaluation.run(self.test_step, held_out, callbacks)
            logs.update({f"val_{name}": value for name, value in found.items()})
        return logs

    def _set_rate(self, step: int) -> None:
        optimizer = self.model.optimizer
        if self._rate_set is not None and optimizers.rate(optimizer) != self._rate_set:
            raise PruningError(
                f"A callback has set the learning rate to {optimizers.rate(optimizer):g} at "
                f"step {step}, where schedule={self.recipe.schedule!r} had set it to "
                f"{self._rate_set:g}. Use schedule='constant' without warm-up, or leave the "
                "callback out."
            )
        optimizer.learning_rate = self.schedule(step)
        self._rate_set = optimizers.rate(optimizer)


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


def _require_finite(loss: float, epoch: int, place: int) -> None:
    if not math.isfinite(loss):
        raise PruningError(
            f"The loss became {loss} in epoch {epoch + 1}, step {place + 1} (both from 1). The "
            "last checkpoint, if there is one, stays as it was. Lower the learning rate, add "
            "warmup_epochs, or look for values in the data that are not finite."
        )


def _keep_best(progress: Progress, logs: dict[str, float], model: keras.Model) -> None:
    """Keep the model's state if the validation split likes this epoch better than all before."""
    best = progress.best_epoch
    before = {} if best is None else {name: x[best] for name, x in progress.metrics.items()}
    if not before or _merit(logs) > _merit(before):
        progress.best_epoch, progress.best = progress.epochs, values(model)


def _merit(logs: dict[str, float]) -> tuple[float, float]:
    """Rank epochs by accuracy; a small split ties in many of them, which the loss then tells."""
    loss = logs["val_loss"]
    return logs.get("val_accuracy", 0.0), -math.inf if math.isnan(loss) else -loss
