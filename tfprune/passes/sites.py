"""Sites: places within a model where a probe looks, each in the output of one of its calls."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.graph.activation_kinds import activation_name
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.channel_places import is_channels_first
from tfprune.graph.keras_graph import is_graph, replay
from tfprune.graph.layer_calls import calls
from tfprune.graph.layer_notes import Owner
from tfprune.graph.rules import has_role

OUTPUT, LINEAR, SCALE = "output", "linear", "scale"


@dataclass(frozen=True)
class Site:
    """One call of a model, and the tensor there that shows the channels of a layer.

    Args:
        operation: the layer or operation called.
        call: which of its calls this is, counted from 0; a scale serves all of them.
        axis: the channel axis of the tensor.
        places: int [C], where along the axis each channel of the layer lies; None: all in order.
        tensor: `OUTPUT`, what the call returns; `LINEAR`, the same before the layer's own
            activation; `SCALE`, the scale [C] of a normalisation.
        part: a projection within an attention whose output it is, such as "value"; None: it is that
            of the call.
    """

    operation: Any
    call: int
    axis: int = -1
    places: np.ndarray | None = None
    tensor: str = OUTPUT
    part: str | None = None

    def channels_last(self, x: tf.Tensor) -> tf.Tensor:
        """Return the tensor found here with the layer's channels alone, along the last axis."""
        if self.places is not None:
            x = tf.gather(x, self.places, axis=self.axis)
        return x if self.axis == -1 else keras.ops.moveaxis(x, self.axis, -1)


Sites = Mapping[str, Sequence[Site]]  # {name: where it is looked at, one place or more}


def linear(graph: ChannelGraph, names: Iterable[str]) -> dict[str, list[Site]]:
    """Return where layers' outputs are, before activations of their own, one for each call.

    Args:
        graph: channel graph of the model.
        names: names of convolutions or Dense layers.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="hidden")])
        >>> [(site.operation.name, site.call) for site in linear(tfprune.analyse(model),
        ...                                                      ["hidden"])["hidden"]]
        [('hidden', 0)]
    """
    counts = Counter(id(call.operation) for call in calls(graph.model))
    layers = {name: graph.owners[name].operation for name in names}
    return {
        name: [
            Site(layer, i, _axis(layer), tensor=LINEAR) for i in range(counts[id(layer)])
        ]
        for name, layer in layers.items()
    }  # fmt: skip


def behind_norms(graph: ChannelGraph, names: Iterable[str]) -> dict[str, list[Site]]:
    """Return where layers' outputs are normalised, one for each call of a layer.

    It is the output of the BatchNormalization that alone reads that of the layer; where there is
    none such, the layer's own output behind its activation, but before a softmax, which mixes the
    channels.

    Args:
        graph: channel graph of the model.
        names: names of convolutions or Dense layers.

    Example:
        >>> import keras, tfprune
        >>> layers = [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
        ...           keras.layers.BatchNormalization(name="norm")]
        >>> graph = tfprune.analyse(keras.Sequential(layers))
        >>> [site.operation.name for site in behind_norms(graph, ["hidden"])["hidden"]]
        ['norm']
    """
    found = {
        name: list(map(_behind_activation, sites)) for name, sites in linear(graph, names).items()
    }
    reads: Counter = Counter()
    made: dict[_Tensor, tuple[str, int]] = {}  # the layer that makes a tensor, and its call
    norms: dict[_Tensor, Site] = {}  # what normalises it

    def visit(owner: Owner, call: int, inputs: list[_Tensor]) -> list[_Tensor]:
        reads.update(inputs)
        outputs = [_Tensor() for _ in outputs_of(owner, call)]
        if owner.name in found:
            made[outputs[0]] = owner.name, call
        elif _is_norm(owner) and inputs and inputs[0] in made:
            axis = found[made[inputs[0]][0]][0].axis
            norms[inputs[0]] = Site(owner.operation, call, axis)
        return outputs

    follow(graph, _Tensor, visit)
    for tensor, (name, call) in made.items():
        if tensor in norms and reads[tensor] == 1:
            found[name][call] = norms[tensor]
    return found


def _behind_activation(site: Site) -> Site:
    mixes = activation_name(site.operation) in ("softmax", "log_softmax")
    return site if mixes else replace(site, tensor=OUTPUT)


class _Tensor:
    """Stands for a tensor."""


def scales(norms: Iterable[Owner]) -> dict[str, list[Site]]:
    """Return where normalisations take their scales, {name of the normalisation: its scale}.

    Args:
        norms: normalisations with a scale.
    """
    return {owner.name: [Site(owner.operation, 0, tensor=SCALE)] for owner in norms}


def follow(
    graph: ChannelGraph,
    stand_in: Callable[[], Any],
    visit: Callable[[Owner, int, list[Any]], Sequence[Any]],
) -> None:
    """Go through a model's calls, those within nested models too, with stand-ins for tensors.

    Args:
        graph: channel graph of the model.
        stand_in: makes what stands for an input of the model.
        visit: `visit(owner, call, inputs)` is told of each call in the order of execution: the
            layer called, which of its calls this is, and what stands for its inputs; it returns
            what stands for its outputs.
    """
    owners = {id(owner.operation): owner for owner in graph.owners.values()}
    inputs = [stand_in() for _ in graph.model.inputs]
    kind, counts = type(inputs[0]), Counter()

    def step(operation: Any, args: tuple, kwargs: dict) -> Any:
        data = {k: v for k, v in kwargs.items() if k not in ("mask", "training")}
        given = [x for x in keras.tree.flatten([args, data]) if isinstance(x, kind)]
        if is_graph(operation):
            return replay(operation, given, step)
        call = counts[id(operation)]
        counts[id(operation)] += 1
        return visit(owners[id(operation)], call, given)

    replay(graph.model, inputs, step)


def outputs_of(owner: Owner, call: int) -> Sequence[Any]:
    """Return the channels of what a call returns.

    A nested model called again hands on the channels of its first call.
    """
    return owner.outputs[call % len(owner.outputs)]


def _is_norm(owner: Owner) -> bool:
    return has_role(owner.operation, "batch_normalisation")


def _axis(layer: Any) -> int:
    return 1 if is_channels_first(layer) else -1
