"""Run the call of a composite layer, so that what it calls within can be seen."""

from collections.abc import Callable
from typing import Any

import keras

from tfprune.graph.keras_graph import is_graph, replay
from tfprune.graph.keras_private import takes_training
from tfprune.graph.opening.stand_ins import stand_in
from tfprune.graph.opening.steps import is_stepped, on_all_steps
from tfprune.graph.opening.symbolic import call_layer, histories, restore
from tfprune.graph.opening.training import Training


def with_training(layer: keras.Layer, kwargs: dict, training: Training) -> dict:
    """Return the arguments of a layer's call with what stands for `training`.

    Args:
        layer: a layer whose call is traced.
        kwargs: its arguments by name.
        training: passed on where nothing else was given.
    """
    if takes_training(layer) and kwargs.get("training") is None:
        return {**kwargs, "training": training}
    if is_graph(layer):
        return kwargs
    return {k: v for k, v in kwargs.items() if v is not None or k != "training"}


def call_itself(layer: keras.Layer, args: tuple, kwargs: dict, tensor: Callable) -> Any:
    """Return what a composite layer makes of symbolic tensors, as the calls within it make it.

    Args:
        layer: the layer; it is not changed.
        args: symbolic tensors.
        kwargs: likewise.
        tensor: (variable, attribute, layer) -> the symbolic tensor that stands for its own weight.
    """
    found: dict[str, Any] = {}

    def run(*inner: Any, **named: Any) -> Any:
        found["outputs"] = _run(layer, new, inner, named)
        found["calls"] = histories(found["outputs"])
        mixed = _is_mixed(found["outputs"])
        return [x for x, _ in found["calls"]] if mixed else found["outputs"]

    new = stand_in(layer, lambda variable, name: tensor(variable, name, layer), run)
    call_layer(new, *args, **kwargs)
    restore(found["calls"])
    return found["outputs"]


def _run(layer: keras.Layer, new: keras.Layer, args: tuple, kwargs: dict) -> Any:
    if is_graph(layer):
        data = {k: v for k, v in kwargs.items() if k not in ("mask", "training")}
        flat = [x for x in keras.tree.flatten((args, data)) if x is not None]
        return replay(layer, flat, lambda op, a, k: op(*a, **k))
    if is_stepped(layer):
        return on_all_steps(layer, *args, mask=kwargs.get("mask"))
    return new.call(*args, **kwargs)


def _is_mixed(outputs: Any) -> bool:
    """Return whether a call returns other things beside tensors, such as a None."""
    return not all(isinstance(x, keras.KerasTensor) for x in keras.tree.flatten(outputs))
