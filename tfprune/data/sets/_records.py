"""Large data sets that TensorFlow Datasets has prepared: their records are listed, not loaded."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfprune.data.encoded import Records
from tfprune.data.sets import _prepared
from tfprune.errors import PruningError

_EXTRA = 16  # bytes a TFRecord file adds to each record: its length and two checksums


def read(name: str, root: Path, splits: Sequence[str]) -> tuple:
    """List the records of a prepared data set with "image", "label" and "file_name".

    Args:
        name: TensorFlow Datasets' name.
        root: the folder that holds the folder `name`.
        splits: names of splits.

    Returns:
        One `Records` per split, and the class names last.

    Raises:
        PruningError: the prepared folder is incomplete or damaged.
    """
    try:
        builder = _prepared.builder_of(name, root)
        listed = [_list(builder, split) for split in splits]
    except (AssertionError, OSError, tf.errors.OpError, KeyError, ValueError) as error:
        raise PruningError(
            f"The folder {root / name} cannot be read as the data set {name!r} prepared by "
            f"TensorFlow Datasets: {type(error).__name__}: {error}. Prepare it again as TFRecord "
            "files, or copy it again, whole."
        ) from error
    return (*listed, list(builder.info.features["label"].names))


def _list(builder: tfds.core.DatasetBuilder, split: str) -> Records:
    info = builder.info.splits[split]
    paths = [Path(path) for path in info.filepaths]
    description = {
        "label": tf.io.FixedLenFeature([], tf.int64),
        "file_name": tf.io.FixedLenFeature([], tf.string),
    }

    def describe(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_example(records, description)
        return tf.strings.length(records), parsed["label"], parsed["file_name"]

    # One file after the other: the records' places in their files follow from the lengths.
    records = tf.data.TFRecordDataset([str(path) for path in paths]).batch(1000)
    parts = list(records.map(describe).as_numpy_iterator())
    lengths, labels, names = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if len(labels) != info.num_examples:
        raise ValueError(f"expected {info.num_examples} examples, received {len(labels)}")
    shard = np.repeat(np.arange(len(paths)), info.shard_lengths)
    _require_sizes(paths, np.bincount(shard, lengths + _EXTRA, len(paths)))
    decoded = [name.decode() for name in names]
    return Records(paths, shard, lengths.astype(np.int64), decoded, labels)


def _require_sizes(paths: Sequence[Path], sizes: np.ndarray) -> None:
    for path, size in zip(paths, sizes, strict=True):
        if path.stat().st_size != size:
            raise ValueError(f"{path}: expected {size:.0f} bytes, received {path.stat().st_size}")
