"""The scoring benchmarks' own parts: names, turns and shares, not how fast this machine is."""

from types import SimpleNamespace

import keras
import pytest
from keras import layers

from benchmarks.scoring import __main__ as command
from benchmarks.scoring import gradients
from tfprune import PruningError


def test_measurements_are_found_by_their_names(monkeypatch):
    called = []

    def find(package, name, what):
        return SimpleNamespace(main=lambda: called.append(name))

    monkeypatch.setattr(command.plugins, "find", find)
    command.main(["a", "b"])
    assert called == ["a", "b"]


def test_unknown_measurements_list_the_valid_ones():
    with pytest.raises(PruningError, match="measurement of the scoring 'speed'.*gradients"):
        command.main(["speed"])
    with pytest.raises(PruningError, match="expected names of .*'gradients'.*received none"):
        command.main([])


def test_tasks_run_by_turns_and_medians_count():
    order, ticks = [], iter([(1, 10), (2, 20), (5, 50), (4, 40), (3, 90), (9, 60)])

    def task(name):
        order.append(name)
        return next(ticks)

    measured = gradients.measure({"a": lambda: task("a"), "b": lambda: task("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert measured == {"a": (3, 50), "b": (4, 40)}


def test_the_table_shows_shares_of_the_step_and_what_takes_too_long():
    measured = {gradients.STEP: (0.2, 0.4), "fgp": (0.05, 0.24), "slow": (0.3, 0.26)}
    head, step, fgp, slow = gradients.table("net", measured).splitlines()
    assert head.startswith("net ")
    assert step.split() == ["training", "step", "200", "1.00", "400", "1.00"]
    assert fgp.split() == ["fgp", "50", "0.25", "240", "0.60"]
    assert slow.split() == ["slow", "300", "1.50", "260", "0.65", "more", "than", "0.6"]


def test_every_task_measures_batches(monkeypatch):
    monkeypatch.setattr(gradients, "BATCHES", 1)
    monkeypatch.setattr(gradients, "WARM_UP", 1)
    image = keras.Input((6, 6, 2))
    x = layers.BatchNormalization()(layers.Conv2D(3, 3, name="conv")(image))
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    todo = gradients.tasks(model, 4)
    assert set(todo) == {gradients.STEP, "fgp", "taylor", "gfbs"}
    for task in todo.values():
        assert min(task()) > 0
