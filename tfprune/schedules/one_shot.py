"""All channels go at once."""

from tfprune.schedules._schedule import Outcome, Schedule, Stages

SCHEDULE = Schedule(trains=False, scores_once=True)


def run(stages: Stages) -> Outcome:
    """Prune in one call, as `tfprune.prune` does.

    Args:
        stages: of the run.
    """
    return stages.cut(stages.model)
