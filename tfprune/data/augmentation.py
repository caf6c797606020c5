"""Random changes of a batch of training images, by name, each a pure function of its seed.

Labels of pixels move with their images: the same function with the same seed moves them, told to
pad with the void label and to take the nearest one.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from tfprune.errors import PruningError, require_known
from tfprune.tasks import Task

Augment = Callable[..., tf.Tensor]

_SHIFT = 0.1  # Li et al. 2023: share of the side, uniform and continuous, in both directions


def _none(images: tf.Tensor, _: tf.Tensor, void: int | None = None) -> tf.Tensor:
    return images


def _crop(images: tf.Tensor, seed: tf.Tensor, void: int | None = None, *, flip: bool) -> tf.Tensor:
    """Pad an eighth of the side with zeros (4 of 32, 1 of 8), cut the size back, maybe flip."""
    size = images.shape[1:3]
    pads = [side // 8 for side in size]
    widths = [[0, 0], *([pad, pad] for pad in pads), [0, 0]]
    padded = tf.pad(images, widths, constant_values=0 if void is None else void)
    seeds = tf.random.experimental.stateless_split(seed, 3)
    count = tf.shape(images)[0]
    for axis, (side, pad) in enumerate(zip(size, pads, strict=True)):
        first = tf.random.stateless_uniform(
            [count, 1], seeds[axis], maxval=2 * pad + 1, dtype=tf.int32
        )
        places = tf.range(side) + first
        if flip and axis == 1:
            places = _flip(places, seeds[2])
        padded = _take(padded, places, axis)
    return padded


def _shift_flip(images: tf.Tensor, seed: tf.Tensor, void: int | None = None) -> tf.Tensor:
    """Shift by fractions of a pixel (bilinear, the border repeated outwards), maybe flip."""
    seeds = tf.random.experimental.stateless_split(seed, 3)
    count = tf.shape(images)[0]
    images = images if void is not None else tf.cast(images, tf.float32)
    for axis, side in enumerate(images.shape[1:3]):
        reach = _SHIFT * side
        shift = tf.random.stateless_uniform([count, 1], seeds[axis], minval=-reach, maxval=reach)
        places = tf.clip_by_value(tf.range(side, dtype=tf.float32) + shift, 0.0, side - 1.0)
        if axis == 1:
            places = _flip(places, seeds[2])
        if void is None:
            images = _interpolate(images, places, axis)
        else:  # between two labels lies none
            images = _take(images, tf.cast(tf.floor(places + 0.5), tf.int32), axis)
    return images


def _flip(places: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Reverse each row of `places` [B, W] with probability 1/2."""
    coin = tf.random.stateless_uniform([tf.shape(places)[0], 1], seed=seed) < 0.5
    return tf.where(coin, tf.reverse(places, [1]), places)


def _take(images: tf.Tensor, places: tf.Tensor, axis: int) -> tf.Tensor:
    """Gather rows (axis 0) or columns (axis 1) `places` [B, side] of each image by itself."""
    return tf.gather(images, places, axis=axis + 1, batch_dims=1)


def _interpolate(images: tf.Tensor, places: tf.Tensor, axis: int) -> tf.Tensor:
    """Sample images linearly between their rows or columns at `places` [B, side]."""
    low = tf.floor(places)
    high = tf.minimum(low + 1.0, images.shape[axis + 1] - 1.0)
    weight = (places - low)[:, :, None, None] if axis == 0 else (places - low)[:, None, :, None]
    lower = _take(images, tf.cast(low, tf.int32), axis)
    upper = _take(images, tf.cast(high, tf.int32), axis)
    return lower + weight * (upper - lower)


AUGMENTATIONS: dict[str, Augment] = {
    "none": _none,
    "crop": functools.partial(_crop, flip=False),  # digits: a flip would change the meaning
    "crop_flip": functools.partial(_crop, flip=True),  # He et al. 2016, section 4.2
    "shift_flip": _shift_flip,  # Li et al. 2023
}


def find(name: str) -> Augment:
    """Return the augmentation of that name: a function of (images [B, H, W, C], seed [2]).

    With a void label as third argument it moves labels [B, H, W, 1] as it moves their images.

    Raises:
        PruningError: no such augmentation; the valid names are listed.

    Example:
        >>> find("none") is AUGMENTATIONS["none"]
        True
    """
    require_known("augmentation", name, AUGMENTATIONS)
    return AUGMENTATIONS[name]


def of_labels(name: str, task: Task) -> Augment | None:
    """Return what moves labels with their images: a function of (labels [B, H, W], seed [2]).

    Args:
        name: of an augmentation.
        task: what the labels are for.

    Returns:
        None where nothing has to move: labels of whole images, or no augmentation.

    Raises:
        PruningError: no such augmentation, or what it pads would need a void label.

    Example:
        >>> from tfprune import tasks
        >>> of_labels("crop", tasks.find("classification")) is None
        True
    """
    augment = find(name)
    if name == "none" or not task.per_pixel:
        return None
    if task.void is None:
        raise PruningError(
            f"augment={name!r} needs a void label for pixels that no label is known of, and task "
            f"{task.name!r} has none. Give the task one, such as void=255, or use 'none'."
        )

    def move(labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return augment(labels[..., None], seed, task.void)[..., 0]

    return move
