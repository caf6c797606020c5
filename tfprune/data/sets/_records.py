"""Large data sets that TensorFlow Datasets has prepared: their records are listed, not loaded.

To list them reads all of them; so the list is kept beside the files, until one of them changes.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfprune import files
from tfprune.data.encoded import Records
from tfprune.data.sets import _prepared
from tfprune.errors import PruningError

_LOG = logging.getLogger(__name__)
_COLUMNS = ("lengths", "labels", "names")
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
    kept, files_now = paths[0].with_name(f".tfprune_{split}.npz"), _stamps(paths)
    index = _kept(kept, files_now)
    if index is None:
        index = _indexed(paths)
        _keep(kept, {**index, **files_now})
    lengths, labels, names = (index[name] for name in _COLUMNS)
    if len(labels) != info.num_examples:
        raise ValueError(f"expected {info.num_examples} examples, received {len(labels)}")
    shard = np.repeat(np.arange(len(paths)), info.shard_lengths)
    _require_sizes(paths, np.bincount(shard, lengths + _EXTRA, len(paths)))
    decoded = [name.decode() for name in names]
    return Records(paths, shard, lengths.astype(np.int64), decoded, labels)


def _indexed(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Read all records for what is in them beside the images."""
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
    columns = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    index = dict(zip(_COLUMNS, columns, strict=True))
    return {**index, "names": index["names"].astype("S")}  # no objects, which no .npz may hold


def _stamps(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Return what an index belongs to: files of these names, sizes and times."""
    found = [path.stat() for path in paths]
    return {
        "files": np.array([os.fsencode(path.name) for path in paths]),
        "sizes": np.array([each.st_size for each in found]),
        "times": np.array([each.st_mtime_ns for each in found]),
    }


def _kept(path: Path, files_now: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """Return the index that was kept beside the files, None where it is not of these."""
    if not path.is_file():
        return None
    try:
        found = files.read_arrays(path, "It is made anew.")
    except PruningError as error:
        _LOG.warning("%s", error)
        return None
    known = {*_COLUMNS, *files_now} == found.keys()
    same = known and all(np.array_equal(found[name], x) for name, x in files_now.items())
    return found if same else None


def _keep(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    try:
        files.write_arrays(path, arrays)
    except PruningError as error:  # data that may only be read is indexed each time
        _LOG.info("The index of %s is not kept: %s", path.parent, error)


def _require_sizes(paths: Sequence[Path], sizes: np.ndarray) -> None:
    for path, size in zip(paths, sizes, strict=True):
        if path.stat().st_size != size:
            raise ValueError(f"{path}: expected {size:.0f} bytes, received {path.stat().st_size}")
