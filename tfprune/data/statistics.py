"""What the normalisations of a data set need to know of its training images."""

from dataclasses import dataclass

import numpy as np

# Of ImageNet's training images; torchvision's weights, and many others, expect them.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CHUNK = 4096  # images; a whole CIFAR in float64 would be 1.2 GB


@dataclass(frozen=True, eq=False)
class Statistics:
    """Means and deviations of the training images, after division by `maximum`.

    Args:
        maximum: the largest value a pixel can have, e.g. 255.
        pixel_mean: the mean image, float32 [H, W, C], in 0..1.
        mean: the mean of each channel, float32 [C], in 0..1.
        std: the standard deviation of each channel over all places, float32 [C].
    """

    maximum: float
    pixel_mean: np.ndarray
    mean: np.ndarray
    std: np.ndarray


def imagenet_statistics(maximum: float = 255.0) -> Statistics:
    """Return the mean and deviation of ImageNet's channels; its mean image is not defined.

    Args:
        maximum: the largest value a pixel can have.

    Example:
        >>> imagenet_statistics().mean.shape
        (3,)
    """
    mean, std = (np.array(values, np.float32) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return Statistics(maximum, np.full((1, 1, 3), np.nan, np.float32), mean, std)


def measure(images: np.ndarray, maximum: float) -> Statistics:
    """Measure the statistics of images; a constant channel gets the deviation 1.

    Args:
        images: [N, H, W, C], any real type, N >= 1.
        maximum: the largest value a pixel can have, e.g. 255.

    Returns:
        The statistics of `images / maximum`.

    Example:
        >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
        >>> float(measure(images, 255).std[0])
        0.5
    """
    pixel_mean = images.mean(axis=0, dtype=np.float64) / maximum
    mean = pixel_mean.mean(axis=(0, 1))
    squares = np.zeros_like(mean)
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK].astype(np.float64) / maximum - mean
        squares += np.einsum("nhwc,nhwc->c", part, part)
    std = np.sqrt(squares / np.prod(images.shape[:3]))
    std[std == 0] = 1.0  # nothing to scale, and a division by zero would spread NaN
    return Statistics(
        float(maximum),
        pixel_mean.astype(np.float32),
        mean.astype(np.float32),
        std.astype(np.float32),
    )
