"""Image classification data sets that TensorFlow Datasets has prepared, or can download."""

from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfprune.data.partition import Raw
from tfprune.errors import PruningError


def default_dir() -> Path:
    """Return the folder where TensorFlow Datasets keeps its data sets by default."""
    return Path(tfds.core.constants.DATA_DIR).expanduser()


def read(name: str, root: Path, *, download: bool) -> Raw:
    """Read the train and test splits of a prepared data set with images of one size.

    Args:
        name: TensorFlow Datasets' name.
        root: the folder that holds the folder `name`.
        download: whether to download and prepare what is not there.

    Raises:
        PruningError: the prepared folder is incomplete or damaged.
    """
    builder = builder_of(name, root)
    if download:
        builder.download_and_prepare()
    try:
        train, test = (_decode(builder, split) for split in ("train", "test"))
    except (AssertionError, OSError, tf.errors.OpError, KeyError, ValueError) as error:
        raise PruningError(
            f"The folder {root / name} cannot be read as the data set {name!r} prepared by "
            f"TensorFlow Datasets ({_files(builder)}): {type(error).__name__}: {error}. "
            "Prepare it again, or copy it again, whole."
        ) from error
    return Raw(*train, *test, builder.info.features["label"].names)


def builder_of(name: str, root: Path) -> tfds.core.DatasetBuilder:
    """Return what reads a prepared data set.

    Raises:
        PruningError: its description is damaged.
    """
    try:
        return tfds.builder(name, data_dir=root)
    except Exception as error:  # its parsers raise kinds of their own
        raise PruningError(
            f"The folder {root / name} cannot be read as the data set {name!r} prepared by "
            f"TensorFlow Datasets: {type(error).__name__}: {error}. Its dataset_info.json or "
            "features.json is damaged: prepare it again, or copy it again, whole."
        ) from error


def _decode(builder: tfds.core.DatasetBuilder, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 [N, H, W, C] and labels int64 [N] of a split, in the files' order."""
    expected = builder.info.splits[split].num_examples
    once = tfds.ReadConfig(try_autocache=False)  # it is read once: no copy is to stay
    batches = builder.as_dataset(split=split, batch_size=1000, read_config=once)
    parts = [(batch["image"], batch["label"]) for batch in batches.as_numpy_iterator()]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if len(images) != expected:
        raise ValueError(f"expected {expected} examples in {split!r}, received {len(images)}")
    return images, labels


def _files(builder: tfds.core.DatasetBuilder) -> str:
    """Return each record file's expected and received size in words, for an error message."""
    words = []
    for name, split in builder.info.splits.items():
        paths = [Path(path) for path in split.filepaths]
        # A TFRecord file adds 16 bytes to each record: its length and two checksums.
        expected = split.num_bytes + 16 * split.num_examples
        received = sum(path.stat().st_size for path in paths if path.exists())
        words.append(f"{name}: expected {expected:,} bytes, received {received:,}")
    return "; ".join(words) or "no splits are recorded in it"
