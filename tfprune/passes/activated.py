"""Where a layer's maps are activated: the call whose output shows them, and at which places."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from tfprune.graph.activation_kinds import applies_activation, is_activation
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.channel_places import channel_axis, find_places, is_channels_first
from tfprune.graph.channels import Channels
from tfprune.graph.layer_notes import Owner
from tfprune.graph.rules import has_role
from tfprune.passes.sites import Site, follow, outputs_of


def activated(graph: ChannelGraph, names: Iterable[str]) -> dict[str, list[Site]]:
    """Find where the maps of layers appear after the activation that follows.

    That is the layer itself where it has an activation of its own; else the first activation
    that its channels reach, in the order of execution: in a residual block the one behind the
    sum, in a DenseNet the places of the layer in the next unit's. Channels are followed until a
    kernel makes other maps of them. Without an activation (a linear bottleneck) it is the first
    normalisation on the way, else the layer's own output. Of a layer called several times, the
    first call counts.

    Args:
        graph: channel graph of the model.
        names: names of layers that make channels, as in `graph.producers`.

    Returns:
        {layer: where its maps are, one site}.

    Example:
        >>> import keras, tfprune
        >>> layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
        ...           keras.layers.BatchNormalization(), keras.layers.ReLU(name="relu")]
        >>> graph = tfprune.analyse(keras.Sequential(layers))
        >>> [site] = activated(graph, ["conv"])["conv"]
        >>> site.operation.name, site.places.tolist()
        ('relu', [0, 1, 2, 3])
    """
    search = _Search(graph, frozenset(names))
    follow(graph, _Flow, search.visit)
    return {name: [search.best(name)] for name in names}


@dataclass(frozen=True)
class _Flow:
    """Stands for a tensor: the layers whose channels it still shows."""

    names: tuple[str, ...] = ()


@dataclass
class _Search:
    graph: ChannelGraph
    wanted: frozenset[str]
    own: dict[str, Site] = field(default_factory=dict)
    normalised: dict[str, Site] = field(default_factory=dict)
    activated: dict[str, Site] = field(default_factory=dict)

    def best(self, name: str) -> Site:
        return self.activated.get(name) or self.normalised.get(name) or self.own[name]

    def visit(self, owner: Owner, call: int, inputs: list[_Flow]) -> list[_Flow]:
        """Follow the channels through one call; return what stands for its outputs."""
        outputs = outputs_of(owner, call)
        names = [] if owner.times else [name for x in inputs for name in x.names]
        if owner.name in self.wanted and not call:
            self._start(owner, outputs[0])
            names.append(owner.name)
        return [_Flow(self._passed(owner, call, names, x)) for x in outputs]

    def _start(self, owner: Owner, channels: Channels) -> None:
        ids = self.graph.producers[owner.name]
        axis = channel_axis(channels, 1 if is_channels_first(owner.operation) else -1)
        self.own[owner.name] = Site(owner.operation, 0, axis, np.arange(len(ids)))
        if applies_activation(owner.operation):
            self.activated[owner.name] = self.own[owner.name]

    def _passed(
        self, owner: Owner, call: int, names: Iterable[str], channels: Channels
    ) -> tuple[str, ...]:
        """Note what this output shows of each layer; return the layers to follow further."""
        passed = []
        for name in dict.fromkeys(names):
            places = None if name in self.activated else self._places(name, channels)
            if places is None:
                continue
            point = Site(owner.operation, call, channel_axis(channels, self.own[name].axis), places)
            passed.append(name)
            if is_activation(owner.operation):
                self.activated[name] = point
            elif has_role(owner.operation, "normalisation"):
                self.normalised.setdefault(name, point)
        return tuple(passed)

    def _places(self, name: str, channels: Channels) -> np.ndarray | None:
        """Return where a layer's channels lie in a tensor of maps; None if one is missing."""
        ids, own = self.graph.producers[name], self.own[name]
        rank = len(self.graph.owners[name].outputs[0][0].shape)
        if len(channels.shape) != rank or len(channels.varying) > 1:
            return None
        line = channels.along(channel_axis(channels, own.axis))
        places = find_places(ids, line)
        # Behind a sum the ids are those of one of its terms, but the units are the same.
        return (
            find_places(self.graph.unit[ids], self.graph.unit[line]) if places is None else places
        )
