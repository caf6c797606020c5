"""The training between the cuts, kept in the run's folder so that an interrupted run goes on."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import keras

from tfprune import files, schedules
from tfprune.data import DataSet
from tfprune.runs.masks_file import load_masks, save_masks
from tfprune.runs.plan import Plan
from tfprune.runs.recorded_training import Feeding, train_recorded
from tfprune.schedules.stepwise import Masks
from tfprune.training import Recipe, evaluate, recalibrate

STAGES = "stages"  # a finished run drops it


@dataclass(frozen=True)
class Stages:
    """What happens between the cuts of a run.

    Args:
        model: the unpruned model.
        data: the data set.
        folder: the run's folder.
        plan: what is pruned, and when.
        feeding: how images become batches.
        verbose: as for `tfprune.fine_tune`.
    """

    model: keras.Model
    data: DataSet
    folder: Path
    plan: Plan
    feeding: Feeding
    verbose: int = 0

    @cached_property
    def accuracy_before(self) -> float:
        """Accuracy of the unpruned model on the training split."""
        return self._training_accuracy(self.model)

    def _stage(self, name: str) -> Path:
        folder = self.folder / STAGES / name.replace("/", "-").replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def recall(self, name: str, choose: Callable[[], Masks]) -> Masks:
        """Return a step's masks as an interrupted run chose them: its training belongs to them."""
        folder = self._stage(name)
        if not (folder / "masks.npz").is_file():
            save_masks(folder, choose())
        return load_masks(folder / "masks.npz")

    def train(
        self,
        model: keras.Model,
        name: str,
        *,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> keras.Model:
        """Train one stage, unless an interrupted run has done so."""
        folder = self._stage(name)
        if (folder / "trained.keras").is_file():
            return files.load_model(folder / "trained.keras")
        if self.plan.recalibration and not callbacks:  # with callbacks nothing is cut yet
            model = recalibrate(
                model, self.feeding.training(self.data).epoch(0), limit=self.plan.recalibration
            )
        recipe = self._recipe(model, folder)
        if recipe is None:
            return model
        model, _ = train_recorded(
            model, self.data, folder, feeding=self.feeding, recipe=recipe, callbacks=callbacks,
            verbose=self.verbose,
        )  # fmt: skip
        files.save_model(model, folder / "trained.keras")
        return model

    def _recipe(self, model: keras.Model, folder: Path) -> Recipe | None:
        """Return the recipe of a stage, None where GFI-AP's rate says that nothing is lost."""
        recipe = replace(self.plan.recipe, restore_best=False)
        if self.plan.layer_rate is None:
            return recipe
        told = folder / "rate.json"  # an interrupted stage goes on with the rate it began with
        if not told.is_file():
            accuracies = self.accuracy_before, self._training_accuracy(model)
            rate = schedules.regain_rate(*accuracies, self.plan.layer_rate)
            files.write_json(told, {"learning_rate": rate})
        rate = json.loads(told.read_text())["learning_rate"]
        if rate == 0:
            return None
        return replace(
            recipe, learning_rate=rate, schedule="constant", warmup_epochs=0.0, decay_steps=(),
            decay_factor=None,
        )  # fmt: skip

    def _training_accuracy(self, model: keras.Model) -> float:
        return evaluate(model, self.feeding.plain(self.data.train))["accuracy"]
