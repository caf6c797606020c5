import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune.data
from tests.data.photographs import decoded, encoded, write
from tfprune import runs, training
from tfprune.data import fingerprints, photographs
from tfprune.errors import PruningError

CLASSES = ["cat", "dog", "eel"]
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / "images", CLASSES, 10, size=(16, 24), suffix="png")


def load(root, **settings):
    return tfprune.data.load("folder", data_dir=root, **settings)


def paths(split):
    return {split.source.name(place) for place in split.places}


def collect(dataset):
    pairs = [(x.numpy(), y.numpy()) for x, y in dataset]
    return [np.concatenate(parts) for parts in zip(*pairs, strict=True)]


def test_the_splits_never_mix_and_the_test_split_is_fixed(root):
    data, other = load(root, validation_size=6), load(root, validation_size=6, seed=1)
    splits = [data.train, data.validation, data.test]
    assert [len(split) for split in splits] == [18, 6, 6]
    assert [np.bincount(split.labels).tolist() for split in splits] == [[6] * 3, [2] * 3, [2] * 3]
    assert len(set.union(*map(paths, splits))) == 30
    assert paths(data.test) == paths(other.test)
    assert paths(data.validation) != paths(other.validation)
    assert load(root, validation_size=0).validation is None
    assert len(load(root).validation) == 3


def test_small_pictures_of_one_size_stay_as_they_are(root):
    data = load(root)
    assert (data.input_shape, data.num_classes, data.augment) == ((16, 24, 3), 3, "crop_flip")
    assert data.class_names == tuple(CLASSES)
    images, labels = collect(data.test.batches(4))
    assert images.dtype == np.float32
    expected = [decoded(data.test.source.name(place)) for place in data.test.places]
    np.testing.assert_allclose(images, (np.array(expected) / 255 - MEAN) / STD, atol=2e-6)
    np.testing.assert_array_equal(labels, data.test.labels)
    assert labels.dtype == np.int64


def test_pictures_are_brought_to_a_size_that_is_asked_for(root):
    data = load(root, image_size=[8, 12])
    assert (data.input_shape, data.augment) == ((8, 12, 3), "random_resized_crop_flip")
    images, _ = collect(data.test.batches(4))
    contents = [tf.io.read_file(data.test.source.name(place)) for place in data.test.places]
    expected = np.array([photographs.centre(content, (8, 12)) for content in contents])
    np.testing.assert_allclose(images, (expected / 255 - MEAN) / STD, atol=2e-6)
    own = load(root, image_size=(16, 24))  # as they are: nothing is resized
    np.testing.assert_array_equal(
        collect(own.test.batches(4))[0], collect(load(root).test.batches(4))[0]
    )


@pytest.mark.parametrize("size", [64, (64,), (0, 64), "64,64", (64, 64, 3)])
def test_what_is_no_size_is_refused(root, size):
    with pytest.raises(PruningError, match=r"image_size must be a height and a width, such as"):
        load(root, image_size=size)


def test_a_model_of_another_size_is_told_how_pictures_get_it(root):
    def network(shape):
        image = keras.Input(shape)
        pooled = keras.layers.GlobalAveragePooling2D()(image)
        return keras.Model(image, keras.layers.Dense(3)(pooled))

    known = tfprune.data.Preprocessing.of(load(root))
    with pytest.raises(PruningError, match=r"another model\. Where .*--image_size=64,48 brings"):
        known.require_fit(network((64, 48, 3)))
    with pytest.raises(PruningError, match=r"another model\.$"):
        known.require_fit(network((64, 48, 1)))
    known = tfprune.data.Preprocessing.of(load(root, image_size=(64, 48)))
    known.require_fit(network((64, 48, 3)))


def test_a_training_epoch_is_shifted_and_shuffled_and_complete(root):
    train = load(root).train
    data = train.epochs(8, shuffle=True, augment="crop_flip", normalisation="none", seed=1)
    assert len(data) == 3
    images, labels = collect(data.epoch(0))
    assert sorted(labels) == sorted(train.labels)
    assert (labels != train.labels).any()
    whole = np.stack([decoded(train.source.name(place)) for place in train.places])
    assert not all((image == whole).all((1, 2, 3)).any() for image in images)


@pytest.mark.parametrize("augment", ["crop_flip", "random_resized_crop_flip"])
def test_every_epoch_is_a_function_of_seed_and_epoch(root, augment):
    settings = {"shuffle": True, "augment": augment}
    data, again = (load(root).train.epochs(8, seed=1, **settings) for _ in range(2))
    collect(data.epoch(0))  # what was read before must not matter
    images, labels = collect(data.epoch(3))
    for other in (again.epoch(3), load(root).train.batches(8, seed=1, epoch=3, **settings)):
        same_images, same_labels = collect(other)
        np.testing.assert_array_equal(images, same_images)
        np.testing.assert_array_equal(labels, same_labels)
    for other in (data.epoch(4), load(root).train.epochs(8, seed=2, **settings).epoch(3)):
        assert not np.array_equal(collect(other)[1], labels)


def test_other_pictures_are_cropped_to_224(root):
    (root / "cat" / "z.JPG").write_bytes(encoded(9, (30, 24)))
    data = load(root)
    assert (data.input_shape, data.augment) == ((224, 224, 3), "random_resized_crop_flip")
    large = write(root.parent / "large", CLASSES, 5, size=(225, 225))
    assert load(large).input_shape == (224, 224, 3)
    assert next(iter(load(large).test.batches(2)))[0].shape == (2, 224, 224, 3)


@pytest.mark.parametrize("augment", ["none", "crop_flip", "random_resized_crop_flip"])
def test_damaged_files_are_skipped_counted_and_named(root, augment, caplog):
    order = [root / name / f"{name}_{i:02d}.png" for name in CLASSES for i in range(10)]
    bad = [order[0], order[1], order[14], order[29]]  # the first, neighbours and the last
    contents = [b"", b"no picture", order[14].read_bytes()[:200], encoded(1, (16, 24))[:-100]]
    for path, content in zip(bad, contents, strict=True):
        path.write_bytes(content)
    data = load(root, validation_size=6)
    splits = [data.train, data.validation, data.test]
    with caplog.at_level(logging.WARNING):
        found = [collect(s.epochs(4, shuffle=True, augment=augment).epoch(0))[1] for s in splits]
        for split in splits:
            collect(split.epochs(4, augment=augment).epoch(1))
    skipped = [set(split.skipped) for split in splits]
    assert set.union(*skipped) == {str(path) for path in bad}
    for split, labels, missing in zip(splits, found, skipped, strict=True):
        assert missing == paths(split) & {str(path) for path in bad}
        assert len(labels) == len(split) - len(missing)
        left = [y for place, y in zip(split.places, split.labels, strict=True)
                if split.source.name(place) not in missing]  # fmt: skip
        assert sorted(labels) == sorted(left)
    for path in bad:  # named once, not in every epoch
        assert caplog.text.count(str(path)) == 1


def test_a_wholly_damaged_split_gives_no_batch_and_no_crash(root):
    data = load(root)
    for name in paths(data.test):
        open(name, "wb").close()
    assert list(data.test.batches(2)) == []
    assert set(data.test.skipped) == paths(data.test)
    layers = keras.layers
    model = keras.Sequential([keras.Input((16, 24, 3)), layers.Flatten(), layers.Dense(3)])
    with pytest.raises(PruningError, match="The data gave no batch"):
        training.evaluate(model, data.test.epochs(2))


def test_other_files_do_not_count(root):
    (root / "cat" / "notes.txt").write_text("not an image")
    (root / "cat" / ".hidden.png").write_bytes(b"")
    (root / ".cache").mkdir()
    data = load(root)
    assert len(data.train) + len(data.validation) + len(data.test) == 30


def test_a_missing_folder(tmp_path):
    with pytest.raises(PruningError, match="needs data_dir, .*received None"):
        tfprune.data.load("folder")
    with pytest.raises(PruningError, match="nowhere is missing: expected a folder with one"):
        load(tmp_path / "nowhere")


def test_no_classes(tmp_path):
    (tmp_path / "only").mkdir()
    with pytest.raises(PruningError, match=r"at least two class folders.*received 1: only\. Sort"):
        load(tmp_path)


def test_a_class_without_images_shows_what_is_there(root):
    (root / "fox").mkdir()
    with pytest.raises(PruningError, match=r"fox has no images: .*\.png, received no files"):
        load(root)
    (root / "fox" / "a.bmp").write_bytes(b"")
    with pytest.raises(PruningError, match=r"received a\.bmp"):
        load(root)


def test_a_class_without_enough_images_is_named(root):
    write(root, ["fox"], 1, suffix="png")
    with pytest.raises(PruningError, match=r"for the test split.*without enough.*'fox' \(1\)"):
        load(root)


def test_a_validation_split_that_is_too_large(root):
    with pytest.raises(PruningError, match=r"between 3 .* received 25"):
        load(root, validation_size=25)


def test_settings_that_files_do_not_suit_are_refused(root):
    train = load(root).train
    with pytest.raises(PruningError, match=r"augmentation 'flip'.*random_resized_crop_flip"):
        train.epochs(2, augment="flip")
    with pytest.raises(PruningError, match=r"'pixel' needs a mean image.*Use 'channel'"):
        train.epochs(2, normalisation="pixel")
    with pytest.raises(PruningError, match="a whole number from 1 on, received 0"):
        train.batches(0)
    with pytest.raises(PruningError, match="21 images make no batch of 99"):
        train.epochs(99, drop_remainder=True)


def test_a_training_reads_files_and_survives_a_damaged_one(root):
    data = load(root, validation_size=6)
    bad = data.train.source.name(data.train.places[3])
    open(bad, "wb").close()
    layers = keras.layers
    model = keras.Sequential([keras.Input((16, 24, 3)), layers.Flatten(), layers.Dense(3)])
    feeding = runs.Feeding(batch_size=4, seed=1)
    trained, history = training.fine_tune(
        model, feeding.training(data), validation=feeding.plain(data.validation), epochs=2,
        learning_rate=0.01)  # fmt: skip
    assert len(history.metrics["val_accuracy"]) == 2
    assert not np.array_equal(trained.get_weights()[0], model.get_weights()[0])
    assert data.train.skipped == (bad,)
    assert data.validation.skipped == ()
    sample = feeding.sample(data, len(data.train))
    assert sum(len(y) for _, y in sample.epoch(0)) == len(data.train) - 1


def test_a_fingerprint_notices_another_picture_under_the_same_name(root, tmp_path):
    before = load(root).fingerprint
    moved = root.rename(tmp_path / "elsewhere")
    assert load(moved).fingerprint == before
    path = moved / "dog" / "dog_03.png"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1  # of the same size
    path.write_bytes(content)
    assert load(moved).fingerprint != before


def test_a_fingerprint_of_many_files_covers_all_sizes_and_the_contents_of_some(root, monkeypatch):
    monkeypatch.setattr(fingerprints, "SAMPLED", 2)
    before, splits = load(root).fingerprint, load(root)
    place = splits.train.places[5]
    path = splits.train.source.name(place)
    with open(path, "ab") as file:
        file.write(b"more")
    assert load(root).fingerprint != before
