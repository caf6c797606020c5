"""All calls of a model as one flat list, so that they can be made for two models in step."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import keras

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.keras_graph import is_graph, replay
from tfprune.passes.attention import hearts
from tfprune.passes.model_calls import takes_training


@dataclass(frozen=True)
class Ref:
    """Stands for a tensor: its number on the tape."""

    number: int


@dataclass(frozen=True, eq=False)
class Step:
    """One call of one layer or operation.

    Args:
        operation: the layer or operation of the original model.
        call: which of its calls this is, counted from 0.
        args: its positional arguments, with `Ref` in place of tensors.
        kwargs: its keyword arguments, likewise; `training` is False where it is taken.
        outputs: numbers of the tensors that it makes.
    """

    operation: Any
    call: int
    args: tuple
    kwargs: dict[str, Any]
    outputs: tuple[int, ...]

    @property
    def reads(self) -> tuple[int, ...]:
        """Numbers of the tensors that it is called with, masks left out."""
        data = {name: value for name, value in self.kwargs.items() if name != "mask"}
        return tuple(x.number for x in keras.tree.flatten([self.args, data]) if _is_ref(x))

    def filled(self, tensors: dict[int, Any]) -> tuple[tuple, dict[str, Any]]:
        """Return the arguments with tensors in the places of their numbers."""
        return keras.tree.map_structure(
            lambda x: tensors[x.number] if _is_ref(x) else x, (self.args, self.kwargs)
        )

    @property
    def needs(self) -> tuple[int, ...]:
        """Numbers of all tensors that the call takes, masks too."""
        flat = keras.tree.flatten([self.args, self.kwargs])
        return tuple(x.number for x in flat if _is_ref(x))


@dataclass
class Tape:
    """The calls of a model, models within it unfolded, in an order in which they can be made.

    Args:
        inputs: numbers of the model's inputs, flat.
        outputs: numbers of its outputs, flat.
        steps: the calls.
    """

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    steps: list[Step] = field(default_factory=list)


def record(graph: ChannelGraph) -> Tape:
    """Return the calls that a model makes at inference.

    Args:
        graph: channel graph of the model; with those of `with_parts`, attention is called in parts.

    Example:
        >>> import keras, tfprune
        >>> layers = [keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(2)]
        >>> tape = record(tfprune.analyse(keras.Sequential(layers)))
        >>> tape.steps[0].operation.name, tape.steps[0].reads, tape.outputs
        ('a', (0,), (2,))
    """
    tape, made, calls = Tape(), Counter(), Counter()
    owners = {id(owner.operation): owner for owner in graph.owners.values()}
    attentions = hearts(graph)

    def new() -> Ref:
        made["refs"] += 1
        return Ref(made["refs"] - 1)

    def step(operation: Any, args: tuple, kwargs: dict) -> Any:
        if is_graph(operation):
            data = {k: v for k, v in kwargs.items() if k not in ("mask", "training")}
            return replay(operation, [x for x in keras.tree.flatten([args, data]) if _is_ref(x)],
                          step)  # fmt: skip
        if takes_training(type(operation)):
            kwargs = {**kwargs, "training": False}
        if id(operation) in attentions:
            return attentions[id(operation)].in_parts(step, args, kwargs)
        count = len(owners[id(operation)].outputs[0])
        outputs = [new() for _ in range(count)]
        numbers = tuple(x.number for x in outputs)
        tape.steps.append(Step(operation, calls[id(operation)], args, kwargs, numbers))
        calls[id(operation)] += 1
        return outputs

    inputs = [new() for _ in graph.model.inputs]
    outputs = replay(graph.model, inputs, step)
    tape.inputs = tuple(x.number for x in inputs)
    tape.outputs = tuple(x.number for x in keras.tree.flatten(outputs))
    return tape


def _is_ref(value: Any) -> bool:
    return isinstance(value, Ref)
