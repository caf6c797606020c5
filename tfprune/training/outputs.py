"""What belongs to which output of a model: settings before, labels and weights of each batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tfprune.errors import PruningError, unknown
from tfprune.tasks import Task


def output_names(model: keras.Model) -> tuple[str, ...]:
    """Return the names of a model's outputs, as Keras' `compile` and logs have them.

    Example:
        >>> output_names(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
        ('output',)
    """
    return tuple(getattr(model, "output_names", None) or ["output"])


def without_auxiliary(model: keras.Model, task: Task) -> keras.Model:
    """Return the model that is left after training: its first output, where others only helped.

    Args:
        model: a functional model; one with one output is returned as it is.
        task: says whether further outputs only help the first.

    Example:
        >>> from tfprune import tasks
        >>> x = keras.Input((4, 4, 3))
        >>> ends = [keras.layers.Conv2D(2, 1, name=name)(x) for name in ("out", "aux")]
        >>> model = without_auxiliary(keras.Model(x, ends), tasks.find("segmentation"))
        >>> [layer.name for layer in model.layers[1:]]
        ['out']
    """
    if task.auxiliary is None or len(model.outputs) == 1:
        return model
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def for_each_output(given: Any, names: Sequence[str], what: str) -> list[Any]:
    """Return a setting of each output, from one for all, a list, or a dictionary by names.

    Args:
        given: the setting, or None; an output that a dictionary leaves out gets None.
        names: of the outputs.
        what: the setting, for the error message.

    Raises:
        PruningError: another number of values than outputs, or an unknown name.

    Example:
        >>> for_each_output({"b": "mse"}, ["a", "b"], "loss")
        [None, 'mse']
    """
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                raise unknown(f"output in {what}", name, names)
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise PruningError(
                f"Expected one {what} for each of the {len(names)} outputs {list(names)}, received "
                f"{len(given)}: {list(given)!r}."
            )
        return list(given)
    return [given] * len(names)


def of_output(given: Any, place: int, names: Sequence[str], what: str) -> Any:
    """Return the labels or the sample weights of one output of a batch.

    Args:
        given: one tensor, which belongs to each output, or one for each: a tuple, a list or a
            dictionary by their names; or None.
        place: the output's, from 0.
        names: of all outputs.
        what: what is asked for, for the error message.

    Raises:
        PruningError: another number of tensors than outputs, or none of the output's name.
    """
    if not isinstance(given, (Mapping, list, tuple)):
        return given
    found = for_each_output(given, names, what)[place]
    if found is None and what == "labels":
        raise PruningError(
            f"There are no labels for the output {names[place]!r}, which has a loss: received "
            f"labels for {sorted(given)}."
        )
    return found
