"""What a stage of training is told, and what a run that goes on does not do again."""

from types import SimpleNamespace

import keras

from tfprune.runs import stages
from tfprune.training import Recipe


def small():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="head")])


def test_a_stage_hands_on_its_last_epoch_and_is_trained_once(tmp_path, monkeypatch):
    told = []

    def train_recorded(model, *args, recipe, **others):
        told.append(recipe)
        return model, None

    monkeypatch.setattr(stages, "train_recorded", train_recorded)
    plan = SimpleNamespace(recipe=Recipe(epochs=3, clip_norm=2.0))
    run = stages.Stages(small(), None, tmp_path, plan, None)
    callbacks = [keras.callbacks.Callback()]
    # What the validation split likes best may lie before the zeros of soft pruning.
    first = run.train(small(), "soft", callbacks=callbacks)
    assert [(recipe.restore_best, recipe.clip_norm) for recipe in told] == [(False, 2.0)]
    again = run.train(small(), "soft", callbacks=callbacks)
    assert len(told) == 1
    assert again.get_layer("head").kernel.numpy().tolist() == (
        first.get_layer("head").kernel.numpy().tolist()
    )
