"""The activated maps of convolutions, batch by batch, with every refusal of bad data."""

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.batch_errors import describing
from tfprune.passes.batches import pairs
from tfprune.passes.taps import activations

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
    shapes = {name: graph.owners[name].outputs[0][0].shape for name in graph.producers}
    names = [name for name, shape in shapes.items() if len(shape) == _MAPS]
    if not names:
        raise PruningError(
            f"{user} needs feature maps of 2-D convolutions; model {graph.model.name!r} has none. "
            "Use another criterion, e.g. 'l1'."
        )
    return names


def single_inputs(batches: Any, user: str) -> Iterator[Any]:
    """Yield the inputs of one image at a time, each a batch of one.

    Args:
        batches: batches of inputs; labels are not needed.
        user: what needs the data, for the error message.

    Raises:
        PruningError: no data, none that can be cut into images, or inputs of unequal numbers.

    Example:
        >>> import numpy
        >>> [image.shape for image in single_inputs([numpy.zeros((2, 8, 8, 3))], "the example")]
        [(1, 8, 8, 3), (1, 8, 8, 3)]
    """
    for inputs in _inputs(batches, user):
        with describing("inputs", inputs):
            arrays = keras.tree.map_structure(keras.ops.convert_to_numpy, inputs)
            sizes = {len(x) for x in keras.tree.flatten(arrays)}
        if len(sizes) > 1:
            raise PruningError(
                f"{user}: one batch holds inputs of {sorted(sizes)} images. Expected the same "
                "number in each; pass batches whose inputs belong together."
            )
        for i in range(max(sizes)):
            yield keras.tree.map_structure(lambda x, i=i: x[i : i + 1], arrays)


def feature_maps(
    graph: ChannelGraph, names: Iterable[str], batches: Any, user: str
) -> Iterator[dict[str, np.ndarray]]:
    """Yield, for each batch, the maps of layers after the activation that follows.

    Args:
        graph: channel graph of the model.
        names: names of layers that make 2-D maps.
        batches: batches of inputs; labels are not needed.
        user: what needs the maps, for the error message.

    Yields:
        {layer: float32 [N, H, W, C]}, channels last.

    Raises:
        PruningError: no data, data that does not suit the model, maps that are not finite.

    Example:
        >>> import keras, numpy, tfprune
        >>> layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
        ...           keras.layers.ReLU(), keras.layers.Flatten(), keras.layers.Dense(2)]
        >>> graph = tfprune.analyse(keras.Sequential(layers))
        >>> images = numpy.ones((5, 8, 8, 3))
        >>> [m["conv"].shape for m in feature_maps(graph, ["conv"], images, "the example")]
        [(5, 6, 6, 4)]
    """
    tapped = activations(graph, names)
    for inputs in _inputs(batches, user):
        with describing("inputs", inputs):
            found = tapped(inputs)
        maps = {name: np.asarray(value, np.float32) for name, value in found.items()}
        for name, value in maps.items():
            require_finite(name, value, user)
        yield maps


def _inputs(batches: Any, user: str) -> Iterator[Any]:
    if batches is None:
        raise PruningError(f"{user} needs data: pass batches of inputs, not None.")
    empty = True
    for inputs, _ in pairs(batches):
        empty = False
        yield inputs
    if empty:
        raise PruningError(f"{user} received no batch. Pass at least one.")


def require_finite(name: str, maps: np.ndarray, user: str) -> None:
    """Refuse maps of a layer that hold what is no number."""
    if not np.isfinite(maps).all():
        raise PruningError(
            f"{user}: maps of layer {name!r} are not finite. Check the model's weights and the "
            "batches for NaN and infinity."
        )
