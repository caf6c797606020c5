"""What tells a model and its images from others, for the cache."""

import json
import textwrap
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfprune.criteria.fmc.images import Images, digest
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.keras_graph import all_layers, is_graph

_TRAINING = ("compile_config", "trainable")  # may differ where all maps are the same
_NAMES = ("name", "keras_history", "input_layers", "output_layers")


def fingerprint(graph: ChannelGraph, names: Sequence[str], images: Images) -> dict[str, str]:
    """Return what the maps of layers depend on: the images, and the model as at inference.

    Models of equal weights are told apart by the config of each layer and by the calls. The code
    of layers of one's own is not looked at; nor are the names of other layers than those given,
    which Keras numbers anew whenever a model is built again.

    Args:
        graph: channel graph of the model.
        names: the layers.
        images: the images.

    Returns:
        {"images": digest, "model": digest}.

    Raises:
        PruningError: the model cannot be serialised.

    Example:
        >>> import keras, numpy, tfprune
        >>> from tfprune.criteria.fmc.images import collect
        >>> images = collect([(numpy.zeros((1, 8, 8, 3)),)])
        >>> def found(**options):
        ...     layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv", **options)]
        ...     model = keras.Sequential(layers)
        ...     model.set_weights([numpy.ones(weight.shape) for weight in model.weights])
        ...     return fingerprint(tfprune.analyse(model), ["conv"], images)
        >>> found() == found(), found() == found(activation="relu")
        (True, False)
    """
    weights = [np.asarray(weight) for weight in graph.model.weights]
    return {
        "images": f"{digest(map(str, images.digests)):032x}",
        "model": f"{digest([_architecture(graph.model), *names, *weights]):032x}",
    }


def _architecture(model: keras.Model) -> str:
    """Return the layers and calls of a model, and of those within it, without names."""
    try:
        # A model of a user's class may serialise to its arguments alone, hence a plain one.
        graphs = [model, *filter(is_graph, all_layers(model))]
        plain = [keras.Model(m.inputs, m.outputs, name="model") for m in graphs]
        texts = [m.to_json() for m in plain]
    except Exception as error:  # whatever a layer's get_config raises
        raise PruningError(
            f"Criterion 'fmc': model {model.name!r} cannot be told from others, as a cache must: "
            f"{type(error).__name__}: {textwrap.shorten(str(error), 300)} Expected layers that can "
            "be serialised; give them a get_config(), or score without cache_dir."
        ) from error
    names = dict.fromkeys(operation.name for m in plain for operation in m.operations)
    numbers = {name: number for number, name in enumerate(names)}

    def numbered(config: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in config.items() if key not in _TRAINING}
        for key in kept.keys() & _NAMES:
            kept[key] = keras.tree.map_structure(lambda x: numbers.get(x, x), kept[key])
        return kept

    return json.dumps([json.loads(text, object_hook=numbered) for text in texts])
