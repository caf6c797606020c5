import os

import numpy as np
import pytest
import tensorflow as tf

import tfprune.data
from benchmarks import prepared_imagenet
from tests.data.photographs import encoded, write
from tfprune.data import Split, photographs
from tfprune.data.sets import _records
from tfprune.errors import PruningError

SYNSETS = ["n01440764", "n01443537", "n02102040"]
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("imagenet")
    write(root / "train", SYNSETS, 6)
    write(root / "val", SYNSETS, 2, seed=1)
    return root


def load(root, **settings):
    return tfprune.data.load("imagenet", data_dir=root, **settings)


def names(split):
    return {split.source.name(place) for place in split.places}


def test_the_official_validation_images_are_the_test_split(root):
    data, other = load(root), load(root, seed=1)
    assert names(data.test) == {str(path) for path in (root / "val").rglob("*.JPEG")}
    assert names(data.train) | names(data.validation) == {
        str(path) for path in (root / "train").rglob("*.JPEG")
    }
    assert not names(data.train) & names(data.validation)
    assert np.bincount(data.validation.labels).tolist() == [1, 1, 1]
    assert names(data.validation) != names(other.validation)
    assert (data.num_classes, data.input_shape) == (3, (224, 224, 3))
    assert data.class_names == tuple(SYNSETS)


def test_evaluation_and_normalisation(root):
    split = load(root).test
    images, labels = next(iter(split.batches(6)))
    for image, label, place in zip(images, labels, split.places, strict=True):
        content = tf.io.read_file(split.source.name(place))
        expected = photographs.centre(content, (224, 224)) / 255
        np.testing.assert_allclose(image, (expected - MEAN) / STD, atol=1e-5)
        assert SYNSETS[int(label)] in split.source.name(place)


def test_pictures_may_have_another_size(root):
    data = load(root, image_size=(32, 32))
    assert data.input_shape == (32, 32, 3)
    for split in (data.train, data.validation, data.test):
        assert next(iter(split.batches(2)))[0].shape == (2, 32, 32, 3)


def test_training_is_a_function_of_seed_and_epoch(root):
    data = load(root)
    train = data.train.epochs(5, shuffle=True, augment=data.augment, seed=3)
    first, again, other = (
        np.concatenate([x for x, _ in train.epoch(epoch)]) for epoch in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.1


def test_folders_that_do_not_agree_are_named(tmp_path):
    write(tmp_path / "train", SYNSETS[:2], 2)
    with pytest.raises(PruningError, match="val is missing: expected a folder with one folder"):
        load(tmp_path)
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "ILSVRC2012_val_00000001.JPEG").write_bytes(encoded(0))
    with pytest.raises(PruningError, match=r"val, received 0: no folders\. Sort the images"):
        load(tmp_path)
    write(tmp_path / "val", SYNSETS[1:], 1)
    with pytest.raises(PruningError, match=r"2 are in one only: n01440764, n02102040"):
        load(tmp_path)


def test_other_folders_are_no_classes(root, tmp_path):
    with pytest.raises(PruningError, match=r"No ImageNet in .*train/ and val/.*imagenet2012/"):
        load(tmp_path)
    write(tmp_path / "train", ["cat", "dog"], 1)
    with pytest.raises(PruningError, match=r"named like n\\d\{8\}.*received 0: cat, dog"):
        load(tmp_path)


COUNTS = {"train": 3, "validation": 1}  # of each of the 1,000 classes


def prepare(root):
    """Write an ImageNet of tiny pictures, one of them empty."""
    pictures = [encoded(i, (9 + i, 12)) for i in range(4)]

    def picture(split, number):
        return b"" if (split, number) == ("train", 1500) else pictures[number % 4]

    return prepared_imagenet.write(root, picture, COUNTS)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("prepared")
    prepare(root)
    return root


def test_a_prepared_folder_gives_the_same_as_files(prepared):
    data = load(prepared, validation_size=1000)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [2000, 1000, 1000]
    assert (np.bincount(data.validation.labels) == 1).all()
    assert data.class_names[3] == "n01491361"  # the tiger shark, as in the files' order
    assert len(names(data.train) | names(data.validation)) == 3000
    split = data.test
    images, labels = next(iter(split.epochs(8, shuffle=True, seed=2).epoch(0)))
    order = split.places.copy()
    np.random.default_rng([2, 0]).shuffle(order)
    for image, label, place in zip(images, labels, order, strict=False):
        assert f"validation_{place}.JPEG" in split.source.name(place)
        assert label == place % 1000
        content = tf.constant(encoded(int(place) % 4, (9 + int(place) % 4, 12)))
        expected = photographs.centre(content, (224, 224)) / 255
        np.testing.assert_allclose(image, (expected - MEAN) / STD, atol=1e-5)


def test_a_damaged_picture_in_a_record_is_named_with_its_file(prepared):
    data = load(prepared, validation_size=1000)
    split = data.train if 1500 in data.train.places else data.validation
    near = np.flatnonzero(split.places == 1500)[0]
    few = Split(split.source, split.places[near - 2 : near + 3])
    assert sum(len(y) for _, y in few.batches(2)) == 4
    (name,) = few.skipped
    assert name.startswith("train_1500.JPEG in ")
    assert name.endswith("imagenet2012-train.tfrecord-00001-of-00002")


def test_the_list_of_records_is_kept_until_a_file_changes(prepared, monkeypatch):
    listed, indexed = [], _records._indexed

    def counted(paths):
        listed.append(paths[0].name.split(".")[0])
        return indexed(paths)

    first = load(prepared).fingerprint
    monkeypatch.setattr(_records, "_indexed", counted)
    assert load(prepared).fingerprint == first
    assert listed == []
    folder = prepared / "imagenet2012" / "5.1.0"
    os.utime(next(folder.glob("*train*00001-of*")), ns=(1, 1))
    assert load(prepared).fingerprint == first
    assert listed == ["imagenet2012-train"]
    (folder / ".tfprune_validation.npz").write_bytes(b"damaged")
    assert load(prepared).fingerprint == first
    assert listed == ["imagenet2012-train", "imagenet2012-validation"]
    assert load(prepared).fingerprint == first
    assert len(listed) == 2


def test_records_that_may_only_be_read_are_listed_each_time(prepared, monkeypatch):
    first = load(prepared).fingerprint
    folder = prepared / "imagenet2012" / "5.1.0"
    (folder / ".tfprune_train.npz").unlink()

    def refuse(path, arrays):
        raise PruningError("a file system that may only be read")

    monkeypatch.setattr(_records.files, "write_arrays", refuse)
    assert load(prepared).fingerprint == first
    assert not (folder / ".tfprune_train.npz").exists()


@pytest.mark.parametrize("kept", [0, 1000])
def test_a_truncated_record_file_is_refused(tmp_path, kept):
    folder = prepare(tmp_path)
    path = next(folder.glob("*train*00001-of*"))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(PruningError, match=r"imagenet2012 cannot be read .*(Loss|expected 3000)"):
        load(tmp_path)
