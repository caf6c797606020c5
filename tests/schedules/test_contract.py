"""What holds for every schedule, each found by its file's name."""

import inspect

import pytest

from tfprune import plugins, schedules
from tfprune.errors import PruningError
from tfprune.runs import Plan
from tfprune.schedules._schedule import Schedule
from tfprune.training import Recipe


@pytest.mark.parametrize("name", plugins.names(schedules))
def test_a_schedule_says_what_it_is_and_takes_its_settings(name):
    module = plugins.find(schedules, name, "schedule")
    assert isinstance(module.SCHEDULE, Schedule)
    _, *own = inspect.signature(module.run).parameters
    assert own == list(module.SCHEDULE.settings)
    plan = Plan("l1", schedule=name, recipe=Recipe(epochs=1))
    assert plan.settings == module.SCHEDULE.settings


def test_a_plan_refuses_what_its_schedule_does_not_know():
    recipe = Recipe(epochs=1)
    with pytest.raises(PruningError, match=r"Unknown schedule of pruning 'sfot'.*'soft'.*one_shot"):
        Plan("l1", schedule="sfot")
    with pytest.raises(PruningError, match=r"of schedule 'iterative' 'step'.*course, steps"):
        Plan("l1", schedule="iterative", settings={"step": 3}, recipe=recipe)
    with pytest.raises(PruningError, match=r"schedule='soft' trains in between; expected recipe="):
        Plan("l1", schedule="soft")
