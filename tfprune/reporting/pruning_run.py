"""The report of a pruning run: text, values that a program can read, and tables of the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from tfprune import files, tasks
from tfprune.graph.analysis import analyse
from tfprune.reporting.comparison import Comparison, compare
from tfprune.reporting.layers import layer_rows
from tfprune.reporting.run_report import finish
from tfprune.runs.metrics_file import MetricsFile
from tfprune.runs.run_folder import SETTINGS
from tfprune.runs.shipping import Shipped
from tfprune.runs.stages import Stages
from tfprune.schedules._schedule import Outcome

_EXPORTED = "exported, compared with the pruned model on images that are not the test split's"


@dataclass(frozen=True)
class PruningRun:
    """What a pruning run has done and found.

    Args:
        stages: of the run.
        baseline: file of the unpruned model.
        path: file of the pruned model, in the run's folder.
        cut: what the schedule has left.
        figures: the test split's figures of the unpruned and of the pruned model.
        on_the_way: {when: those of a model in between}.
        best_epoch: of the fine-tuning, from 1; None: the last weights.
        metadata: what the models' files tell of the pruning.
        reconstruction: what solving the kernels anew did; "": it was not asked for.
        fine_tuned: whether there are metrics of a fine-tuning.
        shipped: what was exported.
    """

    stages: Stages
    baseline: Path
    path: Path
    cut: Outcome
    figures: tuple[Mapping[str, float], Mapping[str, float]]
    on_the_way: Mapping[str, Mapping[str, float]]
    best_epoch: int | None
    metadata: Mapping[str, Any]
    reconstruction: str = ""
    fine_tuned: bool = True
    shipped: Shipped = field(default_factory=Shipped)

    def finish(self, model: keras.Model, small: keras.Model) -> str:
        """Write the report into the run's folder, and return it as text.

        Args:
            model: the unpruned model.
            small: the pruned model.
        """
        found = compare(
            model, small, results=self.figures, paths=(self.baseline, self.path),
            runtime=self.stages.plan.runtime,
        )  # fmt: skip
        data, method = self.stages.data.name, self.stages.plan.method
        return finish(
            self.stages.folder,
            f"{self.baseline.stem} on {data} pruned by {method}",
            self._parts(found),
            self._values(model, found),
            self._details(model, small),
        )

    def _parts(self, comparison: Comparison) -> dict[str, Any]:
        return {
            "verification": self.cut.text,
            **({"reconstruction": self.reconstruction} if self.reconstruction else {}),
            **{
                f"{name} {when}": tasks.formatted(name, found[name])
                for when, found in self.on_the_way.items()
                for name in [tasks.headline(found)]
            },
            "on the test split": comparison,
            **_exported_parts(self.shipped, comparison),
            "written to": "\n".join(map(str, (self.path, *self.shipped.exported.values()))),
        }

    def _values(self, model: keras.Model, comparison: Comparison) -> dict[str, Any]:
        stages = self.stages
        return {
            "baseline": str(self.baseline),
            "arch": model.name,
            "seed": stages.feeding.seed,
            **stages.feeding.trained_on(stages.data),
            **stages.plan.to_json(),
            "verification": self.cut.verification(),
            "channels": {name: [int(x.sum()), len(x)] for name, x in stages.masks().items()},
            "seconds": self.cut.seconds,
            **{
                when.replace(" ", "_").replace("-", "_"): found
                for when, found in self.on_the_way.items()
            },
            "best_epoch": self.best_epoch,
            "metadata": self.metadata,
            "exported": self.shipped.to_json(),
            **comparison.to_json(),
        }

    def _details(self, model: keras.Model, small: keras.Model) -> dict[str, Any]:
        folder, masks = self.stages.folder, self.stages.masks()
        graph = analyse(model, allow_inexact=self.stages.inexact)
        return {
            "observations": [*self.cut.observations, *self.shipped.not_kept],
            "layers": layer_rows(graph, masks, small),
            "keep": {name: mask.tolist() for name, mask in masks.items()},
            "scores": {name: list(map(float, x)) for name, x in self.cut.scores.items()},
            "training": MetricsFile(folder / "metrics.csv").rows() if self.fine_tuned else [],
            "flags": files.read_text(folder / SETTINGS, "Prune again."),
        }


def _exported_parts(shipped: Shipped, comparison: Comparison) -> dict[str, str]:
    """Return what the report tells of the exported files."""
    sides = []
    for side in (comparison.before, comparison.after):
        name = tasks.headline(side.results)
        sides.append((side.file_bytes or 0, tasks.formatted(name, side.results[name])))
    found = {
        _EXPORTED: str(shipped.exported) if shipped.exported else "",
        "gained by pruning and by integers": shipped.gains(*sides),
        "not exported": "\n".join(shipped.not_kept),
    }
    return {heading: text for heading, text in found.items() if text}
