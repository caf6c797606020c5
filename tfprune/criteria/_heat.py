"""Heat maps of channels: feature maps weighted by their gradients (Grad-CAM without its sum)."""

import tensorflow as tf

EPSILON = 1e-7  # keeps a heat map that is zero everywhere from dividing by zero
NORMS = ("layer", "none", "channel")
GRADIENTS = ("pooled", "elementwise")


def support(output: tf.Tensor, gradient: tf.Tensor, norm: str, weights: str) -> tf.Tensor:
    """Return the mean of each channel's heat map over the pixels, [N, C].

    Args:
        output: feature maps A, [N, ..., C].
        gradient: the gradient G of a class's score with respect to them, alike.
        norm: "none"; "layer": divided by the maximum over all channels of an image; "channel":
            each map from its minimum to its maximum stretched to [0, 1].
        weights: "pooled": the heat is ReLU(mean(G) A); "elementwise": ReLU(G A).

    Example:
        >>> maps = tf.reshape([2.0, -1.0, 0.0, 4.0], [1, 2, 2, 1])
        >>> slopes = tf.reshape([0.2, 0.0, 0.0, 0.2], [1, 2, 2, 1])
        >>> round(float(support(maps, slopes, "none", "pooled")[0, 0]), 6)
        0.15
    """
    pixels = list(range(1, len(output.shape) - 1))
    if weights == "pooled":
        gradient = tf.reduce_mean(gradient, pixels, keepdims=True)
    heat = tf.nn.relu(gradient * output)
    mean = tf.reduce_mean(heat, pixels)
    if norm == "none":
        return mean
    if norm == "layer":
        return mean / (tf.reduce_max(heat, [*pixels, -1])[:, None] + EPSILON)
    least = tf.reduce_min(heat, pixels)
    return (mean - least) / (tf.reduce_max(heat, pixels) - least + EPSILON)
