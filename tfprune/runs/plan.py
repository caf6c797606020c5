"""What a run prunes, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfprune.errors import PruningError, unknown
from tfprune.training import Recipe

SCHEDULES = ("one_shot", "layer_by_layer", "iterative", "soft")


@dataclass(frozen=True)
class Plan:
    """What is pruned, and when.

    Args:
        method: name of the method.
        samples: training images that the method looks at; 0: all, None: none.
        options: options of `tfprune.prune`.
        schedule: "one_shot", "layer_by_layer", "iterative" or "soft".
        recipe: of the training after each layer or step, or of soft training.
        steps: of "iterative".
        course: of "iterative", "linear" or "cubic".
        layer_rate: of "layer_by_layer", GFI-AP's rate, which grows with the accuracy that a cut
            has lost on the training split; None: the recipe's learning rate.
        recalibration: batches on which BatchNorm's statistics are estimated anew before the
            training after a layer or step; 0: none.

    Raises:
        PruningError: an unknown schedule, or one without what it needs.
    """

    method: str
    samples: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "one_shot"
    recipe: Recipe | None = None
    steps: int | None = None
    course: str | None = None
    layer_rate: float | None = None
    recalibration: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise unknown("schedule of pruning", self.schedule, SCHEDULES)
        if self.schedule != "one_shot" and self.recipe is None:
            raise PruningError(
                f"Plan: schedule={self.schedule!r} trains in between; expected recipe=, received "
                "None."
            )
        if self.schedule == "iterative" and None in (self.steps, self.course):
            raise PruningError(
                "Plan: schedule='iterative' expects steps= and course=, received "
                f"steps={self.steps} and course={self.course}."
            )
