"""The training between the cuts, kept in the run's folder so that an interrupted run goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from tfprune import criteria, files, plugins, schedules, tasks
from tfprune.data import DataSet
from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.graph.analysis import analyse
from tfprune.passes.keeping import keeping
from tfprune.pruning.one_call import prune
from tfprune.reconstruction.measuring import MEASURED
from tfprune.reconstruction.reconstructing import reconstruct
from tfprune.runs.masks_file import load_masks
from tfprune.runs.own_folder import agree
from tfprune.runs.plan import Plan
from tfprune.runs.recorded_training import Feeding, train_recorded
from tfprune.runs.stage_folder import SCORING, StageFolder, keep_masks, read_values
from tfprune.schedules._schedule import Masks, Outcome
from tfprune.surgery.rebuilding import rebuild
from tfprune.surgery.verification import Verification, verify
from tfprune.training import Recipe, evaluate, recalibrate

STAGES = "stages"  # a finished run drops it
_IMAGES = 1000  # to measure amounts on, where kernels are not solved anew


@dataclass(frozen=True)
class Stages:
    """What a run does step by step, each of them kept: what was done is not done again.

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

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.plan.method

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of `tfprune.prune`."""
        return self.plan.options

    @property
    def inexact(self) -> bool:
        """allow_inexact, as for `tfprune.analyse`."""
        return bool(self.plan.options.get("allow_inexact", False))

    def run(self) -> Outcome:
        """Prune as planned, by the plan's schedule.

        Raises:
            PruningError: as the schedules, `tfprune.prune` and `tfprune.fine_tune`.
        """
        schedule = plugins.find(schedules, self.plan.schedule, "schedule of pruning")
        return schedule.run(self, **self.plan.settings)

    def sample(self) -> Any:
        """Return what the criterion scores on, None for nothing."""
        if self.plan.samples is None:
            return None
        method = plugins.find(criteria, self.plan.method, "method")
        return self.feeding.sample(self.data, self.plan.samples, method.METHOD.batch)

    def masks(self) -> Masks:
        """Return the run's keep masks, in terms of the unpruned model."""
        return load_masks(self.folder / "masks.npz")

    def keep(self, masks: Masks) -> None:
        """Write the run's keep masks."""
        keep_masks(self.folder, masks)

    def cut(self, model: keras.Model) -> Outcome:
        """Prune a model in one call, or apply the masks that an interrupted run has left."""
        if not (self.folder / "masks.npz").is_file():
            outcome = self._cut_anew(model)
            if workers.count() == 1:
                return outcome
        graph, keep = analyse(model, allow_inexact=self.inexact), self.masks()  # the chief's
        small = rebuild(graph, keep)
        known = read_values(self._about_cut) if self._about_cut.is_file() else {}
        return _outcome(small, verify(graph, keep, small), known)

    @property
    def _about_cut(self) -> Path:
        return self.folder / STAGES / "cut.json"

    def _cut_anew(self, model: keras.Model) -> Outcome:
        options = dict(self.plan.options)
        if options.get("scope") == MEASURED:
            options["calibration"] = self.unlabelled()
        scoring = self.folder / STAGES / SCORING
        with keeping(scoring):
            small, report = prune(model, self.sample(), self.plan.method, **options)
        known = {
            "observations": list(report.observations),
            "seconds": dict(report.seconds),
            "scores": {name: x.tolist() for name, x in report.scores.by_channel().items()},
        }
        files.write_json(self._about_cut, known)
        self.keep(report.keep)
        files.remove(scoring)
        return _outcome(small, report.verification, known)

    def recall(self, name: str, choose: Callable[[], Masks]) -> Masks:
        """Return a step's masks as an interrupted run chose them: its training belongs to them."""
        return self._stage(name).masks(choose)

    def train(
        self,
        model: keras.Model,
        name: str,
        *,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        rate: Callable[[keras.Model], float] | None = None,
    ) -> keras.Model:
        """Train one stage, unless an interrupted run has done so.

        Args:
            model: the model to train.
            name: of the stage.
            callbacks: Keras callbacks; with them nothing is cut yet, nor recalibrated.
            rate: the constant learning rate for a model, 0 for no training; None: the recipe's.
        """
        stage = self._stage(name)
        trained = stage.path / "trained.keras"
        if trained.is_file():
            return files.load_model(trained)
        if not callbacks:
            model = self.recalibrated(model, name)
        recipe = replace(self.plan.recipe, restore_best=False)
        if rate is not None:
            found = stage.values("rate.json", lambda: {"learning_rate": rate(model)})
            recipe = _at(recipe, found["learning_rate"])
        if recipe is None:
            return model
        model, _ = train_recorded(
            model, self.data, stage.path, feeding=self.feeding, recipe=recipe, callbacks=callbacks,
            verbose=self.verbose,
        )  # fmt: skip
        files.save_model(model, trained)
        return model

    def recalibrated(self, model: keras.Model, name: str) -> keras.Model:
        """Return a model with new BatchNorm statistics if the plan asks for them.

        Args:
            model: the model of a stage.
            name: of the stage.
        """
        if not self.plan.recalibration:
            return model

        def made() -> keras.Model:
            # As in training: crops with black borders have other statistics than whole images.
            batches = self.feeding.training(self.data)
            return recalibrate(model, batches, limit=self.plan.recalibration)

        return self._stage(name).model("recalibrated.keras", made)

    def unlabelled(self) -> Any:
        """Return the images to measure on and to solve kernels from; their labels go unread."""
        return self.feeding.sample(self.data, self.plan.reconstruction or _IMAGES)

    def reconstructed(self, model: keras.Model) -> tuple[keras.Model, str]:
        """Return a model with its kernels solved anew, and what that did.

        What is found of each layer is kept, so that an interrupted run goes on with the next one.

        Args:
            model: what the cut has left.
        """
        stage = self._stage("reconstructed")
        told, solving = stage.path / "reconstructed.json", stage.path / "solving"

        def made() -> keras.Model:
            graph = analyse(self.model, allow_inexact=self.inexact)
            with keeping(solving):
                better, found = reconstruct(
                    graph, self.masks(), model, self.unlabelled(),
                    passes=self.plan.passes, seed=self.feeding.seed,
                )  # fmt: skip
            files.write_json(told, {"told": str(found)})
            agree(told)
            return better

        better = stage.model("reconstructed.keras", made)
        files.remove(solving)
        return better, read_values(told)["told"]

    def accuracy(self, model: keras.Model) -> float:
        """Return the accuracy, or what a task has in its place, on the training split, in [0, 1].

        Raises:
            PruningError: the task has no such figure.
        """
        found = evaluate(model, self.feeding.plain(self.data.train), task=self.data.task)
        name = tasks.headline(found)
        if not tasks.is_share(name):
            raise PruningError(
                "The learning rate that regains what a cut has lost needs an accuracy, or another "
                f"share, on the training split; received {sorted(found)}. Give a rate of your own."
            )
        return found[name]

    def _stage(self, name: str) -> StageFolder:
        return StageFolder(self.folder / STAGES / name.replace("/", "-").replace(" ", "-"))


def _outcome(small: keras.Model, proof: Verification, known: Mapping[str, Any]) -> Outcome:
    observations = known.get("observations", known.get("remarks", ()))  # as it was called before
    text = "\n".join([*observations, str(proof)])
    seconds, scores = known.get("seconds", {}), known.get("scores", {})
    return Outcome(small, text, seconds, {"cut": proof}, tuple(observations), scores)


def _at(recipe: Recipe, rate: float) -> Recipe | None:
    """Return the recipe at a constant rate, None where the rate says that nothing is lost."""
    if rate == 0:
        return None
    return replace(
        recipe, learning_rate=rate, schedule="constant", warmup_epochs=0.0, decay_steps=(),
        decay_factor=None,
    )  # fmt: skip
