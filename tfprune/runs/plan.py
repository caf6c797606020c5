"""What a run prunes, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfprune import plugins, schedules
from tfprune.errors import PruningError, unknown
from tfprune.reconstruction.measuring import MEASURED
from tfprune.schedules._schedule import Schedule
from tfprune.selection.aiming import read
from tfprune.selection.request import AMOUNTS
from tfprune.training import Recipe

_OF_THE_CALL = ("cache_dir", "progress")  # where to keep and whom to tell, not what is pruned


@dataclass(frozen=True)
class Plan:
    """What is pruned, and when.

    Args:
        method: name of the method.
        samples: training images that the method looks at; 0: all, None: none.
        options: options of `tfprune.prune`.
        schedule: name of a module of `tfprune.schedules`.
        settings: of the schedule, e.g. {"steps": 4}; those left out have the schedule's defaults.
        recipe: of the training after each layer or step, or of soft training.
        recalibration: batches on which BatchNorm's statistics are estimated anew before the
            training after a layer or step; 0: none.
        reconstruction: images from which the kernels are solved anew after the cut; 0: none.
        passes: how often all weights go over those images together afterwards; 0: never.

    Raises:
        PruningError: an unknown schedule or setting, training in between without a recipe, or
            kernels solved anew that are trained in between, or passes over no images.

    Example:
        >>> Plan("l1", schedule="iterative", recipe=Recipe(epochs=1)).settings
        {'steps': 3, 'course': 'cubic'}
    """

    method: str
    samples: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "one_shot"
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    recalibration: int = 0
    reconstruction: int = 0
    passes: int = 0

    def __post_init__(self) -> None:
        own = self.kind.settings
        for name in self.settings:
            if name not in own:
                raise unknown(f"setting of schedule {self.schedule!r}", name, own)
        object.__setattr__(self, "settings", {**own, **self.settings})
        if self.kind.trains and self.recipe is None:
            raise PruningError(
                f"Plan: schedule={self.schedule!r} trains in between; expected recipe=, received "
                "None."
            )
        if self.passes and not self.reconstruction:
            raise PruningError(
                f"Plan: passes={self.passes} has no effect without reconstruction=, the number of "
                "images. Name one, or leave passes out."
            )
        measured = self.options.get("scope") == MEASURED
        if self.kind.trains and (self.reconstruction or measured):
            what = f"reconstruction={self.reconstruction}" if self.reconstruction else MEASURED
            raise PruningError(
                f"Plan: schedule={self.schedule!r} trains between its cuts, which answers what "
                f"{what} is for. Leave one of them out, or cut in one shot."
            )

    @property
    def kind(self) -> Schedule:
        """What the schedule says about itself."""
        return plugins.find(schedules, self.schedule, "schedule of pruning").SCHEDULE

    @property
    def runtime(self) -> str:
        """Where time counts: what the amount was asked for in, else Keras."""
        table = self.options.get("table")
        if table is not None:
            return read(table).setting.runtime
        return self.options.get("runtime") or "keras"

    def to_json(self) -> dict[str, Any]:
        """Return the plan as numbers, strings, lists and dicts.

        Example:
            >>> Plan("l1", options={"ratio": 0.5, "progress": print}).to_json()["amount"]
            {'ratio': 0.5}
        """
        options = {name: x for name, x in self.options.items() if name not in _OF_THE_CALL}
        return {
            "method": self.method,
            "samples": self.samples,
            "amount": {name: x for name, x in options.items() if name in AMOUNTS},
            "options": {name: x for name, x in options.items() if name not in AMOUNTS},
            "schedule": self.schedule,
            "settings": dict(self.settings),
            "recalibration": self.recalibration,
            "reconstruction": self.reconstruction,
            "passes": self.passes,
        }
