"""The loss that a model is measured by."""

import inspect

import keras

from tfprune.errors import PruningError, unknown
from tfprune.tasks._task import Loss, Task


def choose(
    model: keras.Model, task: Task, loss: object = None, label_smoothing: float = 0.0
) -> Loss:
    """Return the loss of a model with one output: the given one, the model's, else the task's.

    Args:
        model: one output; if it is compiled with a loss, that one is used.
        task: knows the loss that is used without another.
        loss: a Keras loss, its name, or a function (labels, outputs) -> [B] or [B, ...].
        label_smoothing: of the task's loss, in [0, 1).

    Raises:
        PruningError: several losses or outputs, an unknown name, or label smoothing that could
            have no effect.

    Example:
        >>> from tfprune import tasks
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> choose(model, tasks.find("classification")).from_logits
        True
    """
    if len(model.outputs) != 1:
        raise PruningError(
            f"The model {model.name!r} has {len(model.outputs)} outputs; expected one."
        )
    given = loss if loss is not None else getattr(model, "loss", None)
    if given is None:
        return task.default_loss(model, label_smoothing)
    if label_smoothing:
        raise PruningError(
            f"label_smoothing={label_smoothing} has no effect on the given loss {given!r}: it "
            "belongs to the cross-entropy that is used without one. Set it in that loss."
        )
    return loss_called(given)


def loss_called(given: object) -> Loss:
    """Return a loss by its Keras name; a loss or a function is returned as it is.

    Raises:
        PruningError: an unknown name, with the valid ones, or something else.

    Example:
        >>> loss_called("mse").__name__
        'mean_squared_error'
    """
    if isinstance(given, keras.losses.Loss) or (callable(given) and not isinstance(given, type)):
        return given
    if not isinstance(given, str):
        raise PruningError(
            f"Expected one loss, received {given!r}: give a Keras loss such as "
            "keras.losses.MeanSquaredError(), its name, or a function (labels, outputs) -> [B]."
        )
    try:
        return keras.losses.get(given)
    except ValueError:
        raise unknown("loss", given, _names()) from None


def _names() -> list[str]:
    """Return the names of Keras' losses that a person would write."""
    others = ("get", "serialize", "deserialize")
    full = [name for name, found in vars(keras.losses).items() if inspect.isfunction(found)]
    return ["mae", "mse", *(name for name in full if name not in others)]
