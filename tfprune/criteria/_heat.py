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
        >>> support(maps, slopes, "none", "pooled").numpy().round(6).tolist()
        [[0.15]]
    """
    heat = _pooled if weights == "pooled" else _elementwise
    mean, most, least = heat(output, gradient, list(range(1, len(output.shape) - 1)))
    if norm == "none":
        return mean
    if norm == "layer":
        return mean / (tf.reduce_max(most, -1, keepdims=True) + EPSILON)
    return (mean - least) / (most - least + EPSILON)


def _pooled(output: tf.Tensor, gradient: tf.Tensor, pixels: list[int]) -> list[tf.Tensor]:
    """Return mean, maximum and minimum of ReLU(w A), each [N, C], without making that map.

    With w > 0 it is w ReLU(A), with w < 0 it is -w ReLU(-A).
    """
    w = tf.reduce_mean(gradient, pixels)
    most, least = tf.reduce_max(output, pixels), tf.reduce_min(output, pixels)
    above = [tf.reduce_mean(tf.nn.relu(output), pixels), tf.nn.relu(most), tf.nn.relu(least)]
    below = [tf.reduce_mean(tf.nn.relu(-output), pixels), tf.nn.relu(-least), tf.nn.relu(-most)]
    return [tf.nn.relu(w) * a + tf.nn.relu(-w) * b for a, b in zip(above, below, strict=True)]


def _elementwise(output: tf.Tensor, gradient: tf.Tensor, pixels: list[int]) -> list[tf.Tensor]:
    heat = tf.nn.relu(output * gradient)
    return [f(heat, pixels) for f in (tf.reduce_mean, tf.reduce_max, tf.reduce_min)]
