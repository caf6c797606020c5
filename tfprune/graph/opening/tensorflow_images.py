"""TensorFlow's resizing of images, by what Keras has on symbolic tensors."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops


def calls() -> Iterator[tuple[Any, str, Callable]]:
    """Yield (module, name, what answers in place of TensorFlow's function of this name)."""
    yield tf.image, "resize", _resize
    yield tf.compat.v1.image, "resize", _resize_by_corners
    yield tf.compat.v1.image, "resize_images", _resize_by_corners
    yield tf.compat.v1.image, "resize_bilinear", _resize_bilinear


def _resize(
    images: Any,
    size: Any,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
) -> Any:
    if preserve_aspect_ratio or method not in ("bilinear", "nearest", "bicubic", "lanczos3"):
        raise NotImplementedError(f"tf.image.resize by {method!r}, or with the aspect preserved")
    images = images if method == "nearest" else ops.cast(images, "float32")
    return ops.image.resize(
        images,
        tuple(map(int, size)),
        interpolation=method,
        antialias=antialias,
        data_format="channels_last",
    )


def _resize_by_corners(
    images: Any,
    size: Any,
    method: Any = "bilinear",
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
) -> Any:
    """Resize as TensorFlow 1 does, whose pixels have no centres but corners."""
    if preserve_aspect_ratio or method not in ("bilinear", 0):
        raise NotImplementedError("resizes as TensorFlow 1 does, but not by 'bilinear'")
    images = ops.cast(images, "float32")
    for axis in (2, 1):  # in TensorFlow's order, so that the last bits are the same
        images = _between_corners(images, axis, int(size[axis - 1]), align_corners)
    return images


def _resize_bilinear(
    images: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False
) -> Any:
    if half_pixel_centers:
        return _resize(images, size)
    return _resize_by_corners(images, size, align_corners=align_corners)


def _between_corners(x: Any, axis: int, size: int, align: bool) -> Any:
    """Return a tensor whose places along an axis lie between two of before, each at its share."""
    before = x.shape[axis]
    if isinstance(ops.ones((before,)), keras.KerasTensor):
        raise NotImplementedError("resizes an open size by its corners")
    scale = (before - 1) / (size - 1) if align and size > 1 else before / size
    places = np.arange(size, dtype="float32") * np.float32(scale)
    lower = np.floor(places).astype("int32")
    upper = np.minimum(lower + 1, before - 1)
    share = (places - lower).reshape([-1 if a == axis else 1 for a in range(len(x.shape))])
    first, other = (ops.take(x, rows.tolist(), axis=axis) for rows in (lower, upper))
    return ops.add(first, ops.multiply(ops.subtract(other, first), share))
