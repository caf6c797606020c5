"""Options of a criterion that follow from the run it scores in."""

from pathlib import Path
from typing import Any

from tfprune import criteria, plugins, schedules, tasks
from tfprune.scoring.scoring import criterion_options
from tfprune.tasks import Task


def implied_options(method: str, schedule: str, folder: Path, task: Task) -> dict[str, Any]:
    """Return what a method gets that takes long, or that asks what the labels are for.

    Args:
        method: name of the method.
        schedule: name of the schedule; one that scores a model twice has no use for a cache.
        folder: the run's folder, in which a scoring that was interrupted goes on.
        task: of the data set.
    """
    own: dict[str, Any] = {}
    if plugins.find(schedules, schedule, "schedule of pruning").SCHEDULE.scores_once:
        own["cache_dir"] = folder / "scoring"
    if task.name != tasks.find().name:
        own["task"] = task.name
    taken = criterion_options(plugins.find(criteria, method, "method"))
    return {name: value for name, value in own.items() if name in taken}
