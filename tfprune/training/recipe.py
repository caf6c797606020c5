"""How to train, as one plain value, and every refusal of settings that contradict each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import keras

from tfprune import tasks
from tfprune.checks import check_bool, check_seed
from tfprune.errors import PruningError, require_known
from tfprune.tasks import Task
from tfprune.training import schedules

OPTIMIZERS = ("adam", "sgd")
PRECISIONS = ("mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of one training; durations are in epochs.

    Args:
        epochs: how many, at least 1.
        optimizer: "sgd", "adam", or a Keras optimizer, of which a fresh copy is used.
        learning_rate: the highest of the run, > 0; None: 0.01 for "sgd", 0.001 for "adam". A
            Keras optimizer brings its own.
        momentum: of "sgd", in [0, 1); None: 0.9.
        nesterov: whether "sgd" uses Nesterov's momentum.
        weight_decay: the papers' L2, >= 0: `weight_decay * w` is added to the gradient of w.
        decay_all: False leaves out biases and normalisations (every variable of rank <= 1).
        clip_norm: Euclidean norm that the gradient of all weights together, their decay included,
            may have in a step, > 0: a longer one is shortened; None: any.
        schedule: the name of a file of `tfprune.training.schedules`: "constant", "step", "cosine",
            "poly" or "one_cycle".
        decay_steps: of "step", the epochs at whose start the rate drops, ascending. Some may lie
            beyond `epochs`, so that a short trial of a paper's recipe needs no other numbers.
        decay_factor: of "step", what the rate is multiplied by at each drop, in (0, 1); None: 0.1.
        warmup_epochs: epochs of a linear rise to the full rate; may be a fraction.
        task: a task of `tfprune.tasks` or its name: "classification", "segmentation" or
            "regression"; None: the first.
        loss: a Keras loss, its name, or a function (labels, outputs) -> [B] or [B, ...]; for
            several outputs a list or a dictionary of them; None: what the model is compiled with,
            else the task's, which is the cross-entropy for classes.
        loss_weights: what the loss of each of several outputs counts, a list or a dictionary.
        class_weight: what the loss of each class counts in training, a list over all classes or a
            dictionary; what is measured does not see it.
        label_smoothing: of the task's own loss, in [0, 1).
        precision: "mixed_bfloat16" or "mixed_float16"; None: as the model's layers say.
        sync_batch_norm: whether batch normalisation sees the samples of all replicas, and not only
            its own replica's share of a batch; of one replica both are the same.
        accumulate: in how many parts, one after the other, a batch goes through the model, at least
            1: each needs that much less memory, and their gradients are added before the step. The
            step is that of the whole batch, but for batch normalisation, which sees a part.
        restore_best: return the epoch with the best validation accuracy, or mIoU in segmentation
            (of equal ones, or without one, with the lowest validation loss) and not the last;
            None: when there is a validation split.
        batch_size: for data given as arrays; None: 32.
        seed: of everything random in the run.

    Raises:
        PruningError: a value out of its range, or one that could have no effect.

    Example:
        >>> Recipe(epochs=160, schedule="step", decay_steps=(80, 120)).decay_steps
        (80, 120)
    """

    epochs: int
    optimizer: str | keras.optimizers.Optimizer = "sgd"
    learning_rate: float | None = None
    momentum: float | None = None
    nesterov: bool = False
    weight_decay: float = 0.0
    decay_all: bool = True
    clip_norm: float | None = None
    schedule: str = "constant"
    decay_steps: tuple[int, ...] = ()
    decay_factor: float | None = None
    warmup_epochs: float = 0.0
    task: str | Task | None = None
    loss: str | keras.losses.Loss | Callable | Sequence | Mapping | None = None
    loss_weights: Sequence | Mapping | None = None
    class_weight: Sequence | Mapping | None = None
    label_smoothing: float = 0.0
    precision: str | None = None
    sync_batch_norm: bool = False
    accumulate: int = 1
    restore_best: bool | None = None
    batch_size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _check_kinds(self)
        _check_names(self)
        _check_ranges(self)
        _check_effects(self)
        _check_optimizer(self)
        _check_schedule(self)

    @property
    def fixed_rate(self) -> bool:
        """Whether the loop never sets the learning rate, so that callbacks may."""
        return self.schedule == "constant" and self.warmup_epochs == 0


def without_effect(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that can do nothing beside the others, with the reason.

    Args:
        settings: {field of `Recipe`: its value}, with all that decide over another: optimizer,
            momentum, weight_decay and schedule.

    Example:
        >>> values = {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0, "schedule": "step"}
        >>> without_effect(values)
        {'decay_all': 'has no effect with weight_decay=0'}
    """
    optimizer, schedule = settings["optimizer"], settings["schedule"]
    found = {}
    if optimizer != "sgd":
        reason = f"belongs to optimizer='sgd', received {optimizer!r}"
        found |= dict.fromkeys(("momentum", "nesterov"), reason)
    elif settings["momentum"] == 0:
        found["nesterov"] = "has no effect with momentum=0"
    if settings["weight_decay"] == 0:
        found["decay_all"] = "has no effect with weight_decay=0"
    own = schedules.options(schedule)
    for owner in schedules.names():
        reason = f"has no effect without schedule={owner!r}, received {schedule!r}"
        found |= {name: reason for name in schedules.options(owner) if name not in own}
    if schedules.find(schedule).RISES:
        found["warmup_epochs"] = f"contradicts schedule={schedule!r}, which has its own rise"
    return found


def _check_kinds(recipe: Recipe) -> None:
    if not isinstance(recipe.epochs, Real):
        raise PruningError(f"epochs must be a whole number, received {recipe.epochs!r}.")
    check_seed("seed", recipe.seed)
    for name in ("nesterov", "decay_all", "sync_batch_norm"):
        check_bool(name, getattr(recipe, name))
    if recipe.restore_best is not None:
        check_bool("restore_best", recipe.restore_best)
    steps = recipe.decay_steps
    if not isinstance(steps, Sequence) or not all(isinstance(step, Integral) for step in steps):
        raise PruningError(f"decay_steps must be whole numbers, received {steps!r}.")
    if not isinstance(recipe.optimizer, str | keras.optimizers.Optimizer):
        raise PruningError(
            f"optimizer must be a name of {', '.join(OPTIMIZERS)} or a Keras optimizer, received "
            f"{recipe.optimizer!r}."
        )


def _check_names(recipe: Recipe) -> None:
    tasks.find(recipe.task)
    if isinstance(recipe.optimizer, str):
        require_known("optimizer", recipe.optimizer, OPTIMIZERS)
    schedules.find(recipe.schedule)
    if recipe.precision is not None:
        require_known("precision", recipe.precision, PRECISIONS)


def _check_ranges(recipe: Recipe) -> None:
    ranges = {  # name: (lowest allowed, first value that is too high)
        "epochs": (1, float("inf")),
        "learning_rate": (1e-45, float("inf")),
        "momentum": (0, 1),
        "weight_decay": (0, float("inf")),
        "clip_norm": (1e-45, float("inf")),
        "decay_factor": (1e-45, 1),
        "warmup_epochs": (0, recipe.epochs),
        "label_smoothing": (0, 1),
        "batch_size": (1, float("inf")),
        "accumulate": (1, float("inf")),
    }
    for name, (low, high) in ranges.items():
        value = getattr(recipe, name)
        kind = Integral if name in ("epochs", "batch_size", "accumulate") else Real
        if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
            what = "whole number" if kind is Integral else "number"
            raise PruningError(f"{name} must be a {what}, received {value!r}.")
        if value is not None and not low <= value < high:
            at_least = "above 0" if low == 1e-45 else f"at least {low}"
            raise PruningError(f"{name} must be {at_least} and below {high}, received {value}.")


def _check_effects(recipe: Recipe) -> None:
    for name, why in without_effect(vars(recipe)).items():
        if getattr(recipe, name) != Recipe.__dataclass_fields__[name].default:
            _refuse(name, why)

    if recipe.sync_batch_norm and recipe.accumulate > 1:
        _refuse(
            "sync_batch_norm", f"contradicts accumulate={recipe.accumulate}, whose parts differ"
        )


def _check_optimizer(recipe: Recipe) -> None:
    if isinstance(recipe.optimizer, str):
        return
    if recipe.learning_rate is not None:
        _refuse("learning_rate", "is given twice: the Keras optimizer has one of its own")
    given = getattr(recipe.optimizer, "inner_optimizer", recipe.optimizer)  # of a scaled loss
    if recipe.weight_decay and given.weight_decay:
        _refuse("weight_decay", "is given twice: the Keras optimizer has one of its own")
    clips = ("clipnorm", "clipvalue", "global_clipnorm")
    if recipe.clip_norm and any(getattr(given, name, None) for name in clips):
        _refuse("clip_norm", "is given twice: the Keras optimizer has one of its own")
    # A schedule serialises to a dictionary, a number to a number.
    scheduled = isinstance(given.get_config()["learning_rate"], dict)
    if scheduled and not recipe.fixed_rate:
        _refuse("schedule", "is given twice: the Keras optimizer has one of its own")


def _check_schedule(recipe: Recipe) -> None:
    steps = recipe.decay_steps
    for name, needed in schedules.options(recipe.schedule).items():
        value = getattr(recipe, name)
        if needed and not value:
            each = f"and schedule={recipe.schedule!r} need each other, received {name}={value!r}"
            _refuse(name, each)
    if list(steps) != sorted(set(steps)) or any(step < 1 for step in steps):
        _refuse("decay_steps", f"must be ascending epochs from 1, received {steps}")
    if steps and recipe.warmup_epochs > steps[0]:
        _refuse("warmup_epochs", f"must end before the first drop, after {steps[0]} epochs")


def _refuse(name: str, why: str) -> None:
    raise PruningError(f"The setting {name} {why}. Change or leave out one of the two.")
