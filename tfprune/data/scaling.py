"""Picture and mask scaled, moved and flipped together, in one step from pixels to pixels."""

from collections.abc import Sequence

import tensorflow as tf

from tfprune.data.classes import VOID

_RANGE = (0.5, 2.0)  # Chen et al. 2017, section 4.1


def fitted(
    picture: tf.Tensor, size: tuple[int, int], scale: Sequence[float] = (1.0, 1.0)
) -> tf.Tensor:
    """Scale a whole picture into the upper left of a size; what is left is 0.

    Args:
        picture: [H, W, C], of any real type.
        size: (H, W) of the result.
        scale: of height and width.

    Returns:
        float32 [*size, C]: bilinear, between pixel centres.

    Example:
        >>> fitted(tf.ones((2, 2, 1)), (2, 4), (0.5, 1.0))[..., 0].numpy().tolist()
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    return _picture(picture, _whole(picture, size, scale))


def fitted_mask(
    mask: tf.Tensor, size: tuple[int, int], scale: Sequence[float] = (1.0, 1.0)
) -> tf.Tensor:
    """Scale a whole mask as `fitted` scales its picture: the nearest label; what is left is void.

    Args:
        mask: class numbers [H, W].
        size: (H, W) of the result.
        scale: of height and width.

    Returns:
        int64 [*size].
    """
    return _mask(mask, _whole(mask, size, scale))


def scale_crop_flip(
    picture: tf.Tensor,
    mask: tf.Tensor,
    size: tuple[int, int],
    seed: tf.Tensor,
    scale: Sequence[float] = (1.0, 1.0),
) -> tuple[tf.Tensor, tf.Tensor]:
    """Scale both by a random factor of 0.5 to 2, cut out a random part, maybe flip: for training.

    Where the scaled picture is smaller than the part, it is padded behind: 0 and void.

    Args:
        picture: [H, W, C].
        mask: class numbers [H, W].
        size: (H, W) of the result.
        seed: two integers; the result is a function of them and the pixels.
        scale: what the factor is multiplied by, of height and width.

    Returns:
        float32 [*size, C] and int64 [*size].

    Source: Chen et al. 2017 ("Rethinking atrous convolution"), section 4.1.
    """
    seeds = tf.random.experimental.stateless_split(seed, 4)
    factor = tf.random.stateless_uniform([], seeds[0], *_RANGE)
    coin = tf.random.stateless_uniform([], seeds[1]) < 0.5
    axes = []
    for axis in (0, 1):
        side = tf.shape(picture)[axis]
        scaled = _scaled(side, scale[axis] * factor)
        room = tf.maximum(scaled - size[axis], 0)
        first = tf.random.stateless_uniform([], seeds[2 + axis], 0, room + 1, tf.int32)
        centres, inside = _centres(side, scaled, size[axis], first)
        if axis == 1:
            centres = tf.where(coin, tf.cast(side, tf.float32) - centres, centres)
        axes.append((centres, inside))
    return _picture(picture, axes), _mask(mask, axes)


def _whole(pixels: tf.Tensor, size: tuple[int, int], scale: Sequence[float]) -> list:
    sides = tf.unstack(tf.shape(pixels)[:2])
    return [
        _centres(side, _scaled(side, by), count, 0)
        for side, by, count in zip(sides, scale, size, strict=True)
    ]


def _scaled(side: tf.Tensor, by: tf.Tensor | float) -> tf.Tensor:
    return tf.maximum(tf.cast(tf.round(tf.cast(side, tf.float32) * by), tf.int32), 1)


def _centres(
    side: tf.Tensor, scaled: tf.Tensor, count: int, first: tf.Tensor | int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where the centres of `count` pixels come from, and which lie in the picture.

    Of a pixel of the source, the centre is half a pixel behind its edge: pixel 3 covers 3 to 4.
    """
    places = tf.range(count) + first
    ratio = tf.cast(side, tf.float32) / tf.cast(scaled, tf.float32)
    return (tf.cast(places, tf.float32) + 0.5) * ratio, places < scaled


def _picture(picture: tf.Tensor, axes: list) -> tf.Tensor:
    picture = tf.cast(picture, tf.float32)
    for axis, (centres, inside) in enumerate(axes):
        last = tf.shape(picture)[axis] - 1
        before = tf.clip_by_value(centres - 0.5, 0.0, tf.cast(last, tf.float32))
        low = tf.cast(before, tf.int32)
        weight = _along(before - tf.cast(low, tf.float32), axis)
        lower = tf.gather(picture, low, axis=axis)
        upper = tf.gather(picture, tf.minimum(low + 1, last), axis=axis)
        picture = (lower + weight * (upper - lower)) * _along(tf.cast(inside, tf.float32), axis)
    return tf.ensure_shape(picture, [*(inside.shape[0] for _, inside in axes), picture.shape[-1]])


def _along(values: tf.Tensor, axis: int) -> tf.Tensor:
    return values[:, None, None] if axis == 0 else values[None, :, None]


def _mask(mask: tf.Tensor, axes: list) -> tf.Tensor:
    mask = tf.cast(mask, tf.int64)
    for axis, (centres, inside) in enumerate(axes):
        places = tf.clip_by_value(tf.cast(centres, tf.int32), 0, tf.shape(mask)[axis] - 1)
        there = inside[:, None] if axis == 0 else inside[None]
        mask = tf.where(there, tf.gather(mask, places, axis=axis), VOID)
    return mask
