"""What Keras computes wrongly, so that no rule is blamed for it."""

import keras

from tfprune.graph.layer_calls import LayerCall, calls


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
    return sorted({call.operation.name for model in models for call in calls(model)
                   if _adds_to_columns(call)})  # fmt: skip


def _adds_to_columns(call: LayerCall) -> bool:
    layer, shape = call.operation, call.outputs[0].shape
    bias = getattr(layer, "bias", None)
    first = getattr(layer, "data_format", None) == "channels_first"
    return first and bias is not None and shape[-1] == shape[1] == bias.shape[-1]
