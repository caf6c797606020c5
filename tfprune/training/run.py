"""A model in training: its steps, its epochs, and what callbacks see of them."""

import itertools
import math

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.training import callback_states, evaluation, losses, optimizers, rates, steps
from tfprune.training import distillation as distilling
from tfprune.training.checkpoints import Checkpoints, Progress
from tfprune.training.copying import copy_model, reseed, state, synchronise
from tfprune.training.distillation import Distillation
from tfprune.training.epoch_feed import Feed, require_batches
from tfprune.training.recipe import Recipe
from tfprune.training.stopping import Listening, Stopped, listening


class Run:
    """The model in training, with its steps; made in the strategy's scope."""

    def __init__(
        self, model: keras.Model, recipe: Recipe, teacher: keras.Model | Distillation | None
    ) -> None:
        given = {
            "task": recipe.task,
            "loss": recipe.loss,
            "loss_weights": recipe.loss_weights,
            "label_smoothing": recipe.label_smoothing,
        }
        training = losses.objective(model, **given, class_weight=recipe.class_weight)
        self.objective = losses.objective(model, **given)
        self.recipe = recipe
        self.model = copy_model(model, precision=recipe.precision)
        if recipe.sync_batch_norm:
            synchronise(self.model)
        reseed(self.model, recipe.seed)
        optimizer = optimizers.build(recipe)
        optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer, self.objective.compiled)
        self.highest = optimizers.rate(optimizer)
        self.schedule: rates.Rate | None = None
        self._rate_set: float | None = None
        self._listening = Listening()
        self.train_step = steps.train_step(
            self.model, training, recipe, distilling.teaching(teacher, self.model)
        )
        self.evaluation = evaluation.Evaluation(self.model, self.objective)

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
            self.schedule = rates.build(self.recipe, self.highest, source.steps)
        self.model.stop_training = progress.stopped
        callbacks.on_train_begin()
        callback_states.restore(callbacks.callbacks, progress.callbacks)
        logs = None
        with listening() as self._listening:
            logs = self._epochs(source, held_out, saved, callbacks)
            if self._listening.asked:  # after the last step, which nobody is told of any more
                raise Stopped
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        callbacks.on_train_end(logs)

    def _epochs(
        self,
        source: Feed,
        held_out: Feed | None,
        saved: Checkpoints,
        callbacks: keras.callbacks.CallbackList,
    ) -> dict[str, float] | None:
        """Train the epochs that are left and return what the last one measured."""
        progress, logs = saved.progress, None
        while progress.epochs < self.recipe.epochs and not self.model.stop_training:
            logs = self._epoch(source, held_out, saved, callbacks)
            if held_out is not None and self.recipe.restore_best is not False:
                self._keep_best(progress, logs)
            callbacks.on_epoch_end(progress.epochs, logs)
            for name, value in logs.items():
                progress.metrics.setdefault(name, []).append(float(value))
            progress.epochs, progress.part = progress.epochs + 1, {}
            self._save(saved, callbacks)
        return logs

    def _save(self, saved: Checkpoints, callbacks: keras.callbacks.CallbackList) -> None:
        saved.progress.stopped = bool(self.model.stop_training)
        saved.progress.callbacks = callback_states.states(callbacks.callbacks)
        saved.save()

    def _epoch(
        self,
        source: Feed,
        held_out: Feed | None,
        saved: Checkpoints,
        callbacks: keras.callbacks.CallbackList,
    ) -> dict[str, float]:
        """Train one epoch, or what is left of it, and measure it on the validation split."""
        epoch, part = saved.progress.epochs, saved.progress.part
        callbacks.on_epoch_begin(epoch)
        sums, logs, rate = steps.nothing(self.objective), {}, part.get("rate")
        if part:
            sums = tf.constant(part["sums"], tf.float64)
            logs = self.objective.figures(sums)
        done = part.get("steps", 0)
        batches = source.batches(epoch, training=True, skip=done)
        for place in itertools.islice(source.places(), done, None):
            callbacks.on_train_batch_begin(place)
            if self.schedule is not None:
                self._set_rate(epoch * source.steps + place)
            rate = optimizers.rate(self.model.optimizer) if rate is None else rate
            try:
                sums, asked = self.train_step(batches, sums, self._listening.asked)
            except tf.errors.OutOfRangeError:
                break
            logs = self.objective.figures(sums)
            _require_finite(logs["loss"], epoch, place)
            callbacks.on_train_batch_end(place, logs)
            if asked:
                part = {"steps": place + 1, "sums": np.asarray(sums), "rate": float(rate)}
                saved.progress.part = part
                self._save(saved, callbacks)
                raise Stopped
            if self.model.stop_training:
                break
        source.finish()
        logs = {**require_batches(logs), "learning_rate": rate}
        if held_out is not None:
            found = self.evaluation.of(held_out, callbacks)
            logs.update({f"val_{name}": value for name, value in found.items()})
        return logs

    def _keep_best(self, progress: Progress, logs: dict[str, float]) -> None:
        """Keep the model's state if the validation split likes this epoch better than before."""
        best = progress.best_epoch
        before = {} if best is None else {name: x[best] for name, x in progress.metrics.items()}
        merit = self.objective.merit
        if not before or merit(logs) > merit(before):
            progress.best_epoch, progress.best = progress.epochs, state(self.model)

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


def _require_finite(loss: float, epoch: int, place: int) -> None:
    if not math.isfinite(loss):
        raise PruningError(
            f"The loss became {loss} in epoch {epoch + 1}, step {place + 1} (both from 1). The "
            "last checkpoint, if there is one, stays as it was. Lower the learning rate, add "
            "warmup_epochs, or look for values in the data that are not finite."
        )
