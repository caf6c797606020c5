"""The maps of convolutions, image by image, with every refusal of bad data."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.each import each
from tfprune.passes.parts import in_parts
from tfprune.passes.probe import Probe
from tfprune.passes.sites import Sites

_MAPS = 4  # axes of a batch of maps


def mapped_layers(graph: ChannelGraph, user: str) -> list[str]:
    """Return the layers that make 2-D maps.

    Args:
        graph: channel graph of the model.
        user: what needs the maps, for the error message, e.g. "criterion 'hrank'".

    Raises:
        PruningError: there is none.

    Example:
        >>> import keras, tfprune
        >>> layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
        ...           keras.layers.Flatten(), keras.layers.Dense(2)]
        >>> mapped_layers(tfprune.analyse(keras.Sequential(layers)), "the example")
        ['conv']
    """
    owners = {name: graph.owners[name] for name in graph.producers}
    # What lies within a layer, such as the heads of an attention, has no maps of its own.
    names = [name for name, owner in owners.items()
             if owner.name == name and len(owner.outputs[0][0].shape) == _MAPS]  # fmt: skip
    if not names:
        raise PruningError(
            f"{user} needs feature maps of 2-D convolutions; model {graph.model.name!r} has none. "
            "Use another criterion, e.g. 'l1'."
        )
    return names


def single_images(data: Any, model: keras.Model | None, user: str) -> Iterable[tuple[Any]]:
    """Return the inputs of one image at a time, each a batch of one, as a part of the data.

    Args:
        data: batches of inputs; labels are not needed.
        model: the model that they are for; None: one with a single input.
        user: what needs the data, for the error message.

    Raises:
        PruningError: no data, none that can be cut into images, or inputs of unequal numbers.

    Example:
        >>> import numpy
        >>> images = [numpy.zeros((2, 8, 8, 3))]
        >>> [x.shape for x, in single_images(images, None, "the example")]
        [(1, 8, 8, 3), (1, 8, 8, 3)]
    """
    return in_parts(data, model, user, size=1)


def feature_maps(
    graph: ChannelGraph,
    sites: Sites,
    images: Iterable[tuple[Any]],
    user: str,
    then: Callable[[dict[str, np.ndarray]], Any] = lambda maps: maps,
    *,
    alone: bool = False,
) -> Iterator[Any]:
    """Yield what is made of the maps of each part of the images.

    Args:
        graph: channel graph of the model.
        sites: {layer: where its maps are}, the first site counts.
        images: (inputs,) each; the last digits of a map depend on how many images go through the
            model together, and with them a rank or a bit of a hash now and then.
        user: what needs the maps, for the error message.
        then: what is made of {layer: float32 [N, H, W, C]}, channels last; by default nothing.
        alone: whether the images are this worker's alone, as for `tfprune.passes.each.each`.

    Raises:
        PruningError: data that does not suit the model, maps that are not finite.

    Example:
        >>> import keras, numpy, tfprune
        >>> from tfprune.passes.activated import activated
        >>> layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
        ...           keras.layers.ReLU(), keras.layers.Flatten(), keras.layers.Dense(2)]
        >>> graph = tfprune.analyse(keras.Sequential(layers))
        >>> images = [(numpy.ones((5, 8, 8, 3)),)]
        >>> found = feature_maps(graph, activated(graph, ["conv"]), images, "the example")
        >>> [maps["conv"].shape for maps in found]
        [(5, 6, 6, 4)]
    """

    def finite(found: dict[str, np.ndarray]) -> Any:
        maps = {name: np.asarray(value, np.float32) for name, value in found.items()}
        for name, value in maps.items():
            _require_finite(name, value, user)
        return then(maps)

    probe = Probe(graph, sites)
    for _, found in each(probe, probe.first_sites, images, finite, alone=alone):
        yield found


def _require_finite(name: str, maps: np.ndarray, user: str) -> None:
    """Refuse maps of a layer that hold values that are not numbers."""
    if not np.isfinite(maps).all():
        raise PruningError(
            f"{user}: maps of layer {name!r} are not finite. Check the model's weights and the "
            "data for NaN and infinity."
        )
