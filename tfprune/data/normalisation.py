"""Normalisations of a batch of images, by name."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfprune.data.statistics import IMAGENET_MEAN, IMAGENET_STD, Statistics
from tfprune.errors import PruningError, require_known

Normalise = Callable[[tf.Tensor, Statistics], tf.Tensor]


def _none(images: tf.Tensor, _: Statistics) -> tf.Tensor:
    return tf.cast(images, tf.float32)


def _scale(images: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    return tf.cast(images, tf.float32) / statistics.maximum


def _channel(images: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    return (_scale(images, statistics) - statistics.mean) / statistics.std


def _imagenet(images: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    return (_scale(images, statistics) - IMAGENET_MEAN) / IMAGENET_STD


def _pixel(images: tf.Tensor, statistics: Statistics) -> tf.Tensor:
    return _scale(images, statistics) - statistics.pixel_mean


NORMALISATIONS: dict[str, Normalise] = {
    "none": _none,  # the raw values, as float32
    "scale": _scale,  # 0..1
    "channel": _channel,  # zero mean and unit deviation per channel
    "imagenet": _imagenet,  # as "channel", by ImageNet's mean and deviation whatever the images are
    "pixel": _pixel,  # minus the mean image (Li et al. 2023; He et al. 2016, section 4.2)
}


def find(name: str, channels: int | None = None) -> Normalise:
    """Return the normalisation of that name: a function of (images [B, H, W, C], statistics).

    Args:
        name: a name of `NORMALISATIONS`.
        channels: C of the images it is for; None: unknown.

    Raises:
        PruningError: no such normalisation (the valid names are listed), or it does not suit the
            channels.

    Example:
        >>> find("scale") is NORMALISATIONS["scale"]
        True
    """
    require_known("normalisation", name, NORMALISATIONS)
    if name == "imagenet" and channels not in (None, 3):
        raise PruningError(
            f"The normalisation 'imagenet' is for images with 3 channels, received {channels}. Use "
            "'channel', 'scale' or 'none'."
        )
    return NORMALISATIONS[name]


def require(name: str, statistics: Statistics, channels: int, instead: str) -> None:
    """Refuse a normalisation that is unknown, or needs what images do not have.

    Args:
        name: of a normalisation.
        statistics: of the images.
        channels: C of the images.
        instead: the names that do where there is no mean image, as a text.

    Raises:
        PruningError: no such normalisation, other channels, or "pixel" without a mean image.
    """
    find(name, channels)
    if name == "pixel" and np.isnan(statistics.pixel_mean).any():
        raise PruningError(
            "The normalisation 'pixel' needs a mean image, which is not measured of images that "
            f"stay in their files. Use {instead}."
        )
