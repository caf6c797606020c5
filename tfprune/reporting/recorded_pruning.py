"""Prune by a schedule and leave in the run's folder what an interrupted run needs to go on."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from tfprune import files, schedules
from tfprune.data import DataSet
from tfprune.graph import analyse
from tfprune.pruning import PruningReport, prune
from tfprune.reporting.masks_file import load_masks, save_masks
from tfprune.reporting.recorded_training import Feeding, train_recorded
from tfprune.surgery import rebuild
from tfprune.training import Recipe, evaluate
from tfprune.verification import verify

STAGES = "stages"  # trained models between the cuts; a finished run drops them


@dataclass(frozen=True)
class Plan:
    """What is pruned, and when.

    Args:
        method: name of the method.
        samples: training images that the method looks at; None: none.
        options: options of `tfprune.prune`.
        schedule: "one_shot", "layer_by_layer", "iterative" or "soft".
        recipe: of the training after each layer or step, or of soft training.
        steps: of "iterative".
        course: of "iterative", "linear" or "cubic".
        layer_rate: of "layer_by_layer", GFI-AP's rate, which grows with the accuracy that a cut
            has lost on the training split; None: the recipe's learning rate.
    """

    method: str
    samples: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "one_shot"
    recipe: Recipe | None = None
    steps: int | None = None
    course: str | None = None
    layer_rate: float | None = None


@dataclass(frozen=True)
class Outcome:
    """A pruned model before its final training.

    Args:
        model: the smaller model.
        text: the proof, and what is worth knowing about the choice.
        seconds: {stage: wall time}, empty for a cut that an interrupted run had made.
    """

    model: keras.Model
    text: str
    seconds: Mapping[str, float]


def prune_recorded(
    model: keras.Model,
    data: DataSet,
    folder: str | os.PathLike,
    *,
    plan: Plan,
    feeding: Feeding,
    verbose: int = 0,
) -> Outcome:
    """Prune a model as planned; keep masks and trained stages are left in the folder.

    Args:
        model: the model to prune; it is not changed.
        data: the data set; its test split is not touched.
        folder: the run's folder.
        plan: what is pruned, and when.
        feeding: how images become batches.
        verbose: as for `tfprune.fine_tune`.

    Returns:
        The smaller model with the proof.

    Raises:
        PruningError: as the schedules, `tfprune.prune` and `tfprune.fine_tune`.
    """
    run = _Run(model, data, Path(folder), plan, feeding, verbose)
    return getattr(run, plan.schedule)()


@dataclass(frozen=True)
class _Run:
    """One method per schedule."""

    model: keras.Model
    data: DataSet
    folder: Path
    plan: Plan
    feeding: Feeding
    verbose: int

    def one_shot(self) -> Outcome:
        """Prune in one call, or apply the masks that an interrupted run has left."""
        if (self.folder / "masks.npz").is_file():
            graph, keep = analyse(self.model), load_masks(self.folder / "masks.npz")
            small = rebuild(graph, keep)
            return Outcome(small, str(verify(graph, keep, small)), {})
        small, report = prune(self.model, self._sample(), self.plan.method, **self.plan.options)
        save_masks(self.folder, report.keep)
        return _outcome(small, report)

    def layer_by_layer(self) -> Outcome:
        """Choose on the whole model, then cut and train layer by layer."""
        whole = self.one_shot()
        rated = self.plan.layer_rate is not None
        before = self._training_accuracy(self.model) if rated else None

        def train(small: keras.Model, layer: str) -> keras.Model:
            return self._train(small, layer, rate=self._rate(small, before))

        keep = load_masks(self.folder / "masks.npz")
        return replace(whole, model=schedules.layer_by_layer(self.model, keep, train))

    def iterative(self) -> Outcome:
        """Score, prune a part and train, several times."""
        small, reports = schedules.iterative(
            self.model, self._sample(), self._train, method=self.plan.method,
            steps=self.plan.steps, course=self.plan.course, **self.plan.options,
        )  # fmt: skip
        save_masks(self.folder, reports[-1].keep)
        texts = [f"step {i}: {report.verification}" for i, report in enumerate(reports, 1)]
        seconds = {
            stage: sum(report.seconds[stage] for report in reports) for stage in reports[0].seconds
        }
        return Outcome(small, "\n".join([*reports[-1].remarks, *texts]), seconds)

    def soft(self) -> Outcome:
        """Zero the filters while they train, then remove them."""
        small, report = schedules.soft(
            self.model, self._sample(), self._train, method=self.plan.method, **self.plan.options
        )
        save_masks(self.folder, report.keep)
        return _outcome(small, report)

    def _sample(self) -> Any:
        if self.plan.samples is None:
            return None
        return self.feeding.sample(self.data, self.plan.samples)

    def _rate(self, small: keras.Model, before: float | None) -> float | None:
        if before is None:
            return None
        now = self._training_accuracy(small)
        return schedules.regain_rate(before, now, self.plan.layer_rate)

    def _training_accuracy(self, model: keras.Model) -> float:
        return evaluate(model, self.feeding.plain(self.data.train))["accuracy"]

    def _train(
        self,
        model: keras.Model,
        name: str,
        *,
        rate: float | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> keras.Model:
        """Train one stage, unless an interrupted run has done so."""
        folder = self.folder / STAGES / name.replace("/", "-").replace(" ", "-")
        trained = folder / "trained.keras"
        if rate == 0:
            return model
        if not trained.is_file():
            recipe = replace(self.plan.recipe, restore_best=False)
            if rate is not None:
                recipe = replace(
                    recipe, learning_rate=rate, schedule="constant", warmup_epochs=0.0,
                    decay_steps=(), decay_factor=None,
                )  # fmt: skip
            model, _ = train_recorded(
                model, self.data, folder, feeding=self.feeding, recipe=recipe,
                callbacks=callbacks, verbose=self.verbose,
            )  # fmt: skip
            files.save_model(model, trained)
        return files.load_model(trained)


def _outcome(small: keras.Model, report: PruningReport) -> Outcome:
    return Outcome(small, "\n".join([*report.remarks, str(report.verification)]), report.seconds)
