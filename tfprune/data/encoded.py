"""Where the bytes of images come from that are not kept in memory."""

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

_TFRECORD_HEAD, _TFRECORD_EXTRA = 12, 16  # length and checksum; and the contents' checksum


class Encoded(Protocol):
    """Encoded images by their place 0..N-1, with labels int64 [N]."""

    labels: np.ndarray

    def name(self, place: int) -> str:
        """Return what a person can find the image by."""
        ...

    def content(self, place: tf.Tensor) -> tf.Tensor:
        """Return the bytes of the image at a place (a scalar integer), inside tf.data."""
        ...

    def stamp(self, place: int) -> str:
        """Return the name and size of the image, wherever the data lies; cheap."""
        ...

    def read(self, place: int) -> bytes:
        """Return the bytes that hold the image; none where they cannot be read."""
        ...


@dataclass(frozen=True, eq=False)
class Files:
    """One file per image.

    Args:
        paths: [N].
        labels: int64 [N].
    """

    paths: Sequence[str] = field(repr=False)
    labels: np.ndarray = field(repr=False)

    def name(self, place: int) -> str:
        """Return the path."""
        return self.paths[place]

    def content(self, place: tf.Tensor) -> tf.Tensor:
        """Return the contents of the file."""
        return tf.io.read_file(tf.gather(self._tensor, place))

    def stamp(self, place: int) -> str:
        """Return the names of the folder and the file, and the file's size."""
        path = Path(self.paths[place])
        size = path.stat().st_size if path.is_file() else -1
        return f"{path.parent.name}/{path.name} {size}"

    def read(self, place: int) -> bytes:
        """Return the contents of the file; none where it cannot be read."""
        try:
            return Path(self.paths[place]).read_bytes()
        except OSError:  # it is skipped, and named, when its turn comes
            return b""

    @functools.cached_property
    def _tensor(self) -> tf.Tensor:
        with tf.device("CPU"), tf.init_scope():
            return tf.constant([os.fsencode(path) for path in self.paths])  # also no UTF-8


@dataclass(frozen=True, eq=False)
class Records:
    """Records of TFRecord files, read at any place: an order needs no buffer of images.

    Args:
        shards: paths of the files.
        shard: the file of each record, int64 [N].
        length: bytes of each record, int64 [N]; they follow each other in their file.
        names: of the images, [N].
        labels: int64 [N].
    """

    shards: Sequence[Path] = field(repr=False)
    shard: np.ndarray = field(repr=False)
    length: np.ndarray = field(repr=False)
    names: Sequence[str] = field(repr=False)
    labels: np.ndarray = field(repr=False)

    def name(self, place: int) -> str:
        """Return the image's name and the file it lies in."""
        return f"{self.names[place]} in {self.shards[self.shard[place]]}"

    def content(self, place: tf.Tensor) -> tf.Tensor:
        """Return the image's bytes, without decoding them."""
        record = tf.ensure_shape(tf.numpy_function(self._record, [place], tf.string), [])
        return tf.io.parse_single_example(record, {"image": tf.io.FixedLenFeature([], tf.string)})[
            "image"
        ]

    def stamp(self, place: int) -> str:
        """Return the image's name and its record's length."""
        return f"{self.names[place]} {self.length[place]}"

    def read(self, place: int) -> bytes:
        """Return the whole record."""
        return self._record(place)

    def _record(self, place: int) -> bytes:
        with Path(self.shards[self.shard[place]]).open("rb") as stream:
            stream.seek(self._start[place])
            return stream.read(self.length[place])

    @functools.cached_property
    def _start(self) -> np.ndarray:
        """The first byte of each record, int64 [N]."""
        taken = self.length + _TFRECORD_EXTRA
        before = np.cumsum(taken) - taken
        _, first, inverse = np.unique(self.shard, return_index=True, return_inverse=True)
        return before - before[first][inverse] + _TFRECORD_HEAD
