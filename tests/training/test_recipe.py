import re

import keras
import pytest

from tfprune.errors import PruningError
from tfprune.training import Recipe
from tfprune.training.recipe import without_effect

REFUSED = {
    r"epochs must be at least 1 .*received 0": {"epochs": 0},
    r"learning_rate must be above 0 .*received 0": {"learning_rate": 0.0},
    r"epochs must be a whole number, received 1.5": {"epochs": 1.5},
    r"epochs must be a whole number, received None": {"epochs": None},
    r"seed must be a whole number from 0 on, received 'a'": {"seed": "a"},
    r"nesterov must be True or False, received 'no'": {"nesterov": "no"},
    r"restore_best must be True or False, received 1": {"restore_best": 1},
    r"optimizer must be a name of adam, sgd or a Keras optimizer, received 3": {"optimizer": 3},
    r"decay_steps must be whole numbers, received 5": {"schedule": "step", "decay_steps": 5},
    r"Unknown task 0.*classification": {"task": 0},
    r"Unknown precision \['mixed_float16'\]": {"precision": ["mixed_float16"]},
    r"learning_rate must be a number, received '0.1'": {"learning_rate": "0.1"},
    r"momentum must be at least 0 and below 1, received 1": {"momentum": 1.0},
    r"weight_decay must be at least 0 .*received -0.1": {"weight_decay": -0.1},
    r"decay_factor must be above 0 and below 1, received 2": {
        "schedule": "step", "decay_steps": (2,), "decay_factor": 2.0},
    r"warmup_epochs must be .* below 4, received 4": {"warmup_epochs": 4.0},
    r"label_smoothing must be .*received 1": {"label_smoothing": 1.0},
    r"batch_size must be at least 1 .*received 0": {"batch_size": 0},
    r"optimizer 'sdg'.*Did you mean 'sgd'.*adam": {"optimizer": "sdg"},
    r"schedule 'cosin'.*Did you mean 'cosine'.*one_cycle": {"schedule": "cosin"},
    r"precision 'float16'.*mixed_bfloat16": {"precision": "float16"},
    r"momentum belongs to optimizer='sgd', received 'adam'": {
        "optimizer": "adam", "momentum": 0.9},
    r"nesterov belongs to optimizer='sgd', received 'adam'": {
        "optimizer": "adam", "nesterov": True},
    r"nesterov has no effect with momentum=0": {"nesterov": True, "momentum": 0.0},
    r"decay_all has no effect with weight_decay=0": {"decay_all": False},
    r"learning_rate is given twice": {
        "optimizer": keras.optimizers.SGD(0.1), "learning_rate": 0.1},
    r"clip_norm must be above 0 .*received 0": {"clip_norm": 0.0},
    r"clip_norm is given twice": {
        "optimizer": keras.optimizers.SGD(0.1, global_clipnorm=1.0), "clip_norm": 1.0},
    r"weight_decay is given twice": {
        "optimizer": keras.optimizers.AdamW(0.1), "weight_decay": 0.1},
    r"schedule is given twice": {
        "optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10)),
        "schedule": "cosine"},
    r"decay_steps has no effect without schedule='step', received 'cosine'": {
        "schedule": "cosine", "decay_steps": (2,)},
    r"decay_steps and schedule='step' need each other, received decay_steps=\(\)": {
        "schedule": "step"},
    r"decay_steps must be ascending epochs from 1, received \(3, 2\)": {
        "schedule": "step", "decay_steps": (3, 2)},
    r"decay_factor has no effect without schedule='step', received 'cosine'": {
        "schedule": "cosine", "decay_factor": 0.2},
    r"warmup_epochs contradicts schedule='one_cycle'": {
        "schedule": "one_cycle", "warmup_epochs": 1.0},
    r"warmup_epochs must end before the first drop, after 1 epochs": {
        "schedule": "step", "decay_steps": (1, 3), "warmup_epochs": 2.0},
}  # fmt: skip


@pytest.mark.parametrize(("text", "settings"), REFUSED.items(), ids=list(REFUSED))
def test_it_refuses(text, settings):
    with pytest.raises(PruningError, match=text):
        Recipe(**{"epochs": 4, **settings})


def test_it_takes_the_recipes_of_the_papers():
    Recipe(epochs=160, optimizer="adam", learning_rate=1e-3, schedule="step", decay_steps=(80, 120),
           batch_size=32)  # fmt: skip  # similarity graph, A3
    Recipe(epochs=45, learning_rate=0.01, weight_decay=5e-4, schedule="step", decay_steps=(10, 15),
           decay_factor=0.2)  # fmt: skip  # GFBS, B5
    Recipe(epochs=300, learning_rate=0.01, weight_decay=0.002, schedule="step",
           decay_steps=(150, 225))  # fmt: skip  # FP-FMC, B3
    Recipe(epochs=80, learning_rate=0.08, nesterov=True, weight_decay=5e-4, schedule="step",
           decay_steps=tuple(range(8, 80, 8)), decay_factor=1 / 1.8)  # fmt: skip  # GFI-AP, C3


def test_what_another_setting_makes_idle_is_named_and_refused():
    values = {"optimizer": "adam", "momentum": 0, "weight_decay": 0, "schedule": "one_cycle"}
    idle = without_effect(values)
    assert set(idle) == {
        "momentum", "nesterov", "decay_all", "decay_steps", "decay_factor", "warmup_epochs"
    }  # fmt: skip
    set_otherwise = {
        "momentum": 0.5, "nesterov": True, "decay_all": False, "decay_steps": (1,),
        "decay_factor": 0.5, "warmup_epochs": 1.0,
    }  # fmt: skip
    others = {"optimizer": "adam", "weight_decay": 0.0, "schedule": "one_cycle"}
    for name, why in idle.items():
        with pytest.raises(PruningError, match=f"The setting {name} {re.escape(why)}"):
            Recipe(epochs=4, **others, **{name: set_otherwise[name]})


def test_only_a_constant_rate_without_warm_up_is_left_to_callbacks():
    assert Recipe(epochs=2).fixed_rate
    assert not Recipe(epochs=2, warmup_epochs=0.5).fixed_rate
    assert not Recipe(epochs=2, schedule="cosine").fixed_rate
