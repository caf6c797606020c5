"""What Keras computes wrongly, so that no rule is blamed for it."""

import keras

from tfprune.graph.keras_graph import all_layers


def misplaced_biases(*models: keras.Model) -> list[str]:
    """Return the names of layers whose bias Keras adds along another axis than the channels'.

    On TensorFlow `keras.ops.add` takes [1, n, 1, 1] for a bias of the last axis as soon as that has
    n places, so that a channels-first layer as wide as it has channels adds its bias to columns.

    Args:
        *models: functional or Sequential models.

    Example:
        >>> image = keras.Input((2, 4, 5))
        >>> conv = keras.layers.Conv2D(5, 1, data_format="channels_first", name="conv")
        >>> misplaced_biases(keras.Model(image, conv(image)))
        ['conv']
    """
    found = {
        layer.name
        for model in models
        for layer in all_layers(model)
        if getattr(layer, "data_format", None) == "channels_first"
        and getattr(layer, "bias", None) is not None
        for node in layer._inbound_nodes
        if node.outputs[0].shape[-1] == node.outputs[0].shape[1] == layer.bias.shape[-1]
    }
    return sorted(found)
