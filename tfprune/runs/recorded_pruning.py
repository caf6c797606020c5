"""Prune by a schedule and leave in the run's folder what an interrupted run needs to go on."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from tfprune import criteria, files, plugins, schedules
from tfprune.data import DataSet
from tfprune.graph.analysis import analyse
from tfprune.pruning import PruningReport, prune
from tfprune.runs.masks_file import load_masks, save_masks
from tfprune.runs.plan import Plan
from tfprune.runs.recorded_training import Feeding
from tfprune.runs.stages import STAGES, Stages
from tfprune.surgery.rebuilding import rebuild
from tfprune.surgery.verification import verify


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
    stages = Stages(model, data, Path(folder), plan, feeding, verbose)
    return getattr(_Run(stages), plan.schedule)()


class _Run:
    """One method per schedule."""

    def __init__(self, stages: Stages):
        self.stages, self.plan = stages, stages.plan
        self.model, self.folder = stages.model, stages.folder
        self.inexact = bool(self.plan.options.get("allow_inexact", False))

    def one_shot(self) -> Outcome:
        """Prune in one call, or apply the masks that an interrupted run has left."""
        masks, told = self.folder / "masks.npz", self.folder / STAGES / "cut.json"
        if masks.is_file():
            graph, keep = analyse(self.model, allow_inexact=self.inexact), load_masks(masks)
            small = rebuild(graph, keep)
            known = json.loads(told.read_text()) if told.is_file() else {}
            lines = [*known.get("remarks", ()), str(verify(graph, keep, small))]
            return Outcome(small, "\n".join(lines), known.get("seconds", {}))
        small, report = prune(self.model, self._sample(), self.plan.method, **self.plan.options)
        told.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(told, {"remarks": list(report.remarks), "seconds": dict(report.seconds)})
        save_masks(self.folder, report.keep)
        return _outcome(small, report)

    def layer_by_layer(self) -> Outcome:
        """Choose on the whole model, then cut and train layer by layer."""
        whole = self.one_shot()
        keep = load_masks(self.folder / "masks.npz")
        small, proofs = schedules.layer_by_layer(
            self.model, keep, self.stages.train, allow_inexact=self.inexact
        )
        texts = [f"{layer}: {proof}" for layer, proof in proofs.items()]
        return replace(whole, model=small, text="\n".join([whole.text, *texts]))

    def iterative(self) -> Outcome:
        """Score, prune a part and train, several times."""
        small, reports = schedules.iterative(
            self.model, self._sample(), self.stages.train, recall=self.stages.recall,
            method=self.plan.method, steps=self.plan.steps, course=self.plan.course,
            **self.plan.options,
        )  # fmt: skip
        save_masks(self.folder, reports[-1].keep)
        texts = [f"step {i}: {report.verification}" for i, report in enumerate(reports, 1)]
        seconds = {f"step {i}": report.seconds["step"] for i, report in enumerate(reports, 1)}
        return Outcome(small, "\n".join([*reports[-1].remarks, *texts]), seconds)

    def soft(self) -> Outcome:
        """Zero the filters while they train, then remove them."""
        small, report = schedules.soft(
            self.model,
            self._sample(),
            self.stages.train,
            method=self.plan.method,
            **self.plan.options,
        )  # fmt: skip
        save_masks(self.folder, report.keep)
        return _outcome(small, report)

    def _sample(self) -> Any:
        if self.plan.samples is None:
            return None
        method = plugins.find(criteria, self.plan.method, "method")
        return self.stages.feeding.sample(self.stages.data, self.plan.samples, method.METHOD.batch)


def _outcome(small: keras.Model, report: PruningReport) -> Outcome:
    return Outcome(small, "\n".join([*report.remarks, str(report.verification)]), report.seconds)
