"""Write an ImageNet as TensorFlow Datasets prepares it, of pictures that need not be ImageNet's."""

from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

_CLASSES = 1000
_FIRST = 400  # records of the first of a split's two files: shards are not of one length


def write(root: Path, picture: Callable[[str, int], bytes], counts: Mapping[str, int]) -> Path:
    """Write the data set, each split in two files.

    Args:
        root: what `data_dir` is to be.
        picture: returns the encoded picture of a number in a split; its class is the number modulo
            1,000.
        counts: {"train" and "validation": pictures of each class}.

    Returns:
        The folder of the version.
    """
    folder = root / "imagenet2012" / "5.1.0"
    folder.mkdir(parents=True)
    features = tfds.builder("imagenet2012", data_dir=root / "nothing").info.features
    template = tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name="imagenet2012", filetype_suffix="tfrecord"
    )
    splits = []
    for split, count in counts.items():
        shards = range(_FIRST), range(_FIRST, _CLASSES * count)
        size = sum(
            _shard(folder / f"imagenet2012-{split}.tfrecord-0000{place}-of-00002", split, own,
                   picture)
            for place, own in enumerate(shards)
        )  # fmt: skip
        info = {"num_bytes": size, "filename_template": template}
        splits.append(tfds.core.SplitInfo(name=split, shard_lengths=[*map(len, shards)], **info))
    (folder / "label.labels.txt").write_text("".join(f"{x}\n" for x in features["label"].names))
    tfds.folder_dataset.write_metadata(data_dir=folder, features=features, split_infos=splits)
    return folder


def _shard(path: Path, split: str, numbers: range, picture: Callable[[str, int], bytes]) -> int:
    size = 0
    with tf.io.TFRecordWriter(str(path)) as file:
        for number in numbers:
            feature = {
                "image": _words(picture(split, number)),
                "file_name": _words(f"{split}_{number}.JPEG".encode()),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[number % _CLASSES])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            record = example.SerializeToString()
            file.write(record)
            size += len(record)
    return size


def _words(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
