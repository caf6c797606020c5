"""What stands at the end of a classifier, and the loss that goes with it."""

from collections.abc import Callable
from typing import Any

import keras

from tfprune.errors import PruningError


def gives_probabilities(model: keras.Model) -> bool:
    """Return whether a model's last layer is a softmax, so that its outputs are probabilities."""
    layer = model.layers[-1]
    while isinstance(layer, keras.Model):
        layer = layer.layers[-1]
    if isinstance(layer, keras.layers.Softmax):
        return True
    return getattr(layer, "activation", None) is keras.activations.softmax


def label_loss(model: keras.Model) -> Callable[[Any, Any], Any]:
    """Return the mean cross-entropy of a classifier: `loss(labels [N], outputs [N, classes])`.

    Raises:
        PruningError: a model with several outputs, whose labels' meaning is unknown.
    """
    if len(model.outputs) != 1:
        raise PruningError(
            f"Model {model.name!r} has {len(model.outputs)} outputs, expected 1: which of them the "
            "labels belong to is unknown. Pass a model with the classifier's output alone."
        )
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not gives_probabilities(model))
