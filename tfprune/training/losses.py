"""The objective of a model, from the losses as Keras' `compile` takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tfprune import tasks
from tfprune.errors import PruningError
from tfprune.graph.keras_graph import require_keras
from tfprune.tasks import Loss, Task
from tfprune.training.objective import Head, Objective
from tfprune.training.outputs import for_each_output, output_names

ClassWeight = Mapping[int, float] | Sequence[float]


def objective(
    model: keras.Model,
    *,
    task: str | Task | None = None,
    loss: Any = None,
    loss_weights: Any = None,
    label_smoothing: float = 0.0,
    class_weight: ClassWeight | None = None,
) -> Objective:
    """Return what a model is trained or measured by.

    Args:
        model: a functional or sequential model; if it is compiled with losses, these are used
            where no others are given, with their weights.
        task: a task or its name, of every output; None: "classification".
        loss: a Keras loss, its name, or a function (labels, outputs) -> [B] or [B, ...]; for
            several outputs a list, or a dictionary by their names; None: the model's, else the
            task's for each output. In a list or dictionary None leaves an output out.
        loss_weights: what the loss of each output counts in the sum, in the same forms; None: 1,
            or as the task says of further outputs.
        label_smoothing: of the task's own loss, in [0, 1).
        class_weight: what the loss of each class counts: a list over all classes, or a dictionary
            of those that do not count 1.

    Raises:
        PruningError: no model of Keras 3, or what is given does not suit the outputs or the task.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> objective(model).figures([6.0, 4.0, 3.0, 4.0, 0.0, 4.0])
        {'loss': 1.5, 'accuracy': 0.75}
    """
    require_keras(model)
    task, names = tasks.find(task), output_names(model)
    if loss is None and getattr(model, "loss", None) is not None:
        loss = model.loss
        loss_weights = _compiled_weights(model) if loss_weights is None else loss_weights
    losses = _losses(model, task, loss, label_smoothing)
    weights = _loss_weights(loss_weights, names, task)
    heads = []
    for place, (name, own, weight) in enumerate(zip(names, losses, weights, strict=True)):
        if own is None:
            continue
        shape = tuple(model.outputs[place].shape)
        measure = tasks.measure(own, task, _per_class(class_weight, shape[-1]))
        judged = place == 0 or task.auxiliary is None
        heads.append(Head(place, name, own, measure, weight, judged * task.state_size(shape)))
    if not heads:
        raise PruningError(f"No output of {list(names)} has a loss: give one for at least one.")
    return Objective(task, tuple(heads), names)


def _losses(model: keras.Model, task: Task, loss: Any, label_smoothing: float) -> list[Loss | None]:
    if len(model.outputs) == 1:
        if isinstance(loss, Mapping | list | tuple) and len(loss) == 1:
            loss = for_each_output(loss, output_names(model), "loss")[0]
        return [tasks.choose(model, task, loss, label_smoothing)]
    if loss is None:
        parts = [keras.Model(model.inputs, output) for output in model.outputs]
        return [tasks.choose(part, task, None, label_smoothing) for part in parts]
    if label_smoothing:
        tasks.choose(keras.Model(model.inputs, model.outputs[0]), task, loss, label_smoothing)
    given = for_each_output(loss, output_names(model), "loss")
    return [None if own is None else tasks.loss_called(own) for own in given]


def _loss_weights(given: Any, names: Sequence[str], task: Task) -> list[float]:
    if given is None:
        further = 1.0 if task.auxiliary is None else task.auxiliary
        return [1.0, *[further] * (len(names) - 1)]
    if len(names) == 1:
        raise PruningError(
            f"loss_weights={given!r} has no effect on a model with one output: it weighs the "
            "losses of several against each other. Leave it out."
        )
    if not isinstance(given, Mapping | list | tuple):
        raise PruningError(
            f"loss_weights must be a list or a dictionary over the outputs {list(names)}, received "
            f"{given!r}."
        )
    found = for_each_output(given, names, "loss_weights")
    return [1.0 if weight is None else float(weight) for weight in found]


def _compiled_weights(model: keras.Model) -> Any:
    """Return the weights that a model was compiled with; of one output Keras scales its loss."""
    if len(model.outputs) == 1:
        return None
    return (model.get_compile_config() or {}).get("loss_weights")


def _per_class(given: ClassWeight | None, classes: int | None) -> list[float] | None:
    """Return the weight of every class."""
    if given is None:
        return None
    count = classes or 0
    known = isinstance(given, Mapping) or len(given) == count
    pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
    pairs = dict(pairs)
    if not known or any(c not in range(count) or not w >= 0 for c, w in pairs.items()):
        raise PruningError(
            f"class_weight must be {count} numbers from 0 on, one per class, or a dictionary "
            f"{{class: weight}} of classes from 0 to {count - 1}; received {given!r}."
        )
    return [float(pairs.get(c, 1.0)) for c in range(count)]
