"""The settings of a training as types: what editors complete and type checkers look at."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

import keras

from tfprune.tasks import Task


class RecipeOptions(TypedDict, total=False):
    """The fields of `tfprune.training.Recipe`, which says what each is for."""

    epochs: int
    optimizer: str | keras.optimizers.Optimizer
    learning_rate: float | None
    momentum: float | None
    nesterov: bool
    weight_decay: float
    decay_all: bool
    clip_norm: float | None
    schedule: str
    decay_steps: tuple[int, ...]
    decay_factor: float | None
    warmup_epochs: float
    task: str | Task | None
    loss: str | keras.losses.Loss | Callable | Sequence | Mapping | None
    loss_weights: Sequence | Mapping | None
    class_weight: Sequence | Mapping | None
    label_smoothing: float
    precision: str | None
    sync_batch_norm: bool
    accumulate: int
    restore_best: bool | None
    batch_size: int | None
    seed: int
