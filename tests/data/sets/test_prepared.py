import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import tfprune.data
from tfprune.data.sets import _prepared
from tfprune.errors import PruningError

RNG = np.random.default_rng(0)
PICTURES = {
    split: RNG.integers(0, 256, (count, 32, 32, 3)).astype("uint8")
    for split, count in (("train", 70), ("test", 30))
}


def prepare(root, name):
    """Write a small data set as TensorFlow Datasets does."""
    folder = root / name / "3.0.2"
    folder.mkdir(parents=True)
    features = tfds.builder(name, data_dir=root / "nothing").info.features
    labels = {"label", "coarse_label"} & set(features)
    template = tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name=name, filetype_suffix="tfrecord"
    )
    splits = []
    for split, images in PICTURES.items():
        records = []
        for i, image in enumerate(images):
            example = {"id": str(i), "image": image, **dict.fromkeys(labels, i % 9)}
            if "coarse_label" in labels:
                example["coarse_label"] = 19
            records.append(features.serialize_example(features.encode_example(example)))
        with tf.io.TFRecordWriter(str(folder / f"{name}-{split}.tfrecord-00000-of-00001")) as file:
            for record in records:
                file.write(record)
        size = sum(map(len, records))
        info = {"shard_lengths": [len(records)], "num_bytes": size, "filename_template": template}
        splits.append(tfds.core.SplitInfo(name=split, **info))
    for label in labels:
        count = features[label].num_classes
        names = "".join(f"{label} {number}\n" for number in range(count))
        (folder / f"{label}.labels.txt").write_text(names)
    tfds.folder_dataset.write_metadata(data_dir=folder, features=features, split_infos=splits)
    return folder


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_a_prepared_folder_is_read_in_order(tmp_path, name):
    prepare(tmp_path, name)
    data = tfprune.data.load(name, data_dir=tmp_path, validation_size=0)
    assert data.class_names[3] == "label 3"
    for split, found in (("train", data.train), ("test", data.test)):
        np.testing.assert_array_equal(found.images, PICTURES[split])
        np.testing.assert_array_equal(found.labels, np.arange(len(found)) % 9)


@pytest.mark.parametrize("kept", [0, 1000, 100_000])
def test_a_truncated_file_is_named_with_both_sizes(tmp_path, kept):
    folder = prepare(tmp_path, "cifar10")
    (path,) = folder.glob("*train.tfrecord*")
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[:kept])
    text = rf"cifar10 cannot be read .*train: expected {whole:,} bytes, received {kept:,};"
    with pytest.raises(PruningError, match=text):
        _prepared.read("cifar10", tmp_path, download=False)


def test_a_missing_file_is_named(tmp_path):
    folder = prepare(tmp_path, "cifar10")
    next(folder.glob("*test.tfrecord*")).unlink()
    with pytest.raises(PruningError, match=r"test: expected [\d,]+ bytes, received 0"):
        _prepared.read("cifar10", tmp_path, download=False)


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "cifar10").mkdir()
    with pytest.raises(PruningError, match=r"cannot be read as the data set 'cifar10'"):
        _prepared.read("cifar10", tmp_path, download=False)
