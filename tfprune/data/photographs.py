"""From the bytes of an image file to a picture of the network's size, inside tf.data."""

import tensorflow as tf

# He et al. 2016, section 3.4: the crop is 224 of a picture whose shorter side is 256.
_SHORTER = 256 / 224
_AREA, _RATIO = (0.08, 1.0), (3 / 4, 4 / 3)  # Szegedy et al. 2015, section 6
_END_OF_JPEG = b"\xff\xd9"


def decode(content: tf.Tensor) -> tf.Tensor:
    """Decode a JPEG, PNG, GIF or BMP file.

    Args:
        content: the bytes, a scalar string.

    Returns:
        uint8 [H, W, 3]; grey pictures become three equal channels.

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no such file, or not all of it.
    """
    return tf.cond(
        tf.io.is_jpeg(content),
        lambda: tf.io.decode_jpeg(content, 3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(content, 3, expand_animations=False),
    )


def as_it_is(content: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Return a picture that has the size (H, W) already: uint8 [H, W, 3]."""
    image = decode(content)
    with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(image)[:2], size)]):
        return tf.ensure_shape(tf.identity(image), [*size, 3])


def centre(content: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Resize to at least 256/224 of the size on either side and cut out the centre: for evaluation.

    Args:
        content: the bytes of the file, a scalar string.
        size: (H, W) of the result.

    Returns:
        float32 [H, W, 3] in 0..255.
    """
    image = decode(content)
    shape = tf.shape(image)[:2]
    least = tf.constant([int(side * _SHORTER + 0.5) for side in size])
    scarce = tf.argmax(least / shape)  # of a square: the shorter side
    # Whole numbers and rounding down, as in torchvision: its weights are evaluated like this.
    resized = least[scarce] * shape // shape[scarce]
    first = tf.cast(tf.round(tf.cast(resized - size, tf.float32) / 2), tf.int32)
    image = tf.image.resize(image, resized, antialias=True)
    return tf.ensure_shape(tf.slice(image, [*tf.unstack(first), 0], [*size, 3]), [*size, 3])


def random_resized_crop_flip(
    content: tf.Tensor, size: tuple[int, int], seed: tf.Tensor
) -> tf.Tensor:
    """Cut out a random part of 8% to 100% of the area, resize it and maybe flip: for training.

    Args:
        content: the bytes of the file, a scalar string.
        size: (H, W) of the result.
        seed: two integers; the result is a function of them and the bytes.

    Returns:
        float32 [H, W, 3] in 0..255.

    Source: Szegedy et al. 2015, section 6.
    """
    first, second = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    # Decoding a part of a JPEG is faster, but never notices that what follows is missing.
    whole = tf.logical_and(
        tf.io.is_jpeg(content), tf.strings.substr(content, -2, 2) == _END_OF_JPEG
    )

    def part_of_jpeg() -> tf.Tensor:
        window = _window(tf.image.extract_jpeg_shape(content), first)
        return tf.image.decode_and_crop_jpeg(content, window, 3, dct_method="INTEGER_ACCURATE")

    def part_of_any() -> tf.Tensor:
        image = decode(content)
        top, left, height, width = tf.unstack(_window(tf.shape(image), first))
        return image[top : top + height, left : left + width]

    image = tf.image.resize(tf.cond(whole, part_of_jpeg, part_of_any), size, antialias=True)
    coin = tf.random.stateless_uniform([], second) < 0.5
    image = tf.cond(coin, lambda: tf.reverse(image, [1]), lambda: image)
    return tf.ensure_shape(image, [*size, 3])


def _window(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Return (top, left, height, width) of a random part of a picture of `shape` [H, W, 3]."""
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        shape,
        tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
        seed,
        min_object_covered=0.0,
        aspect_ratio_range=_RATIO,
        area_range=_AREA,
        max_attempts=10,
    )
    return tf.concat([begin[:2], extent[:2]], axis=0)
