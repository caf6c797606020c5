import numpy as np
import pytest

import tfprune.data
from tfprune.data import Arrays, Split
from tfprune.errors import PruningError


@pytest.fixture(scope="module")
def digits():
    return tfprune.data.load("digits")


def test_the_names_are_the_files_of_the_sets():
    assert tfprune.data.names() == [
        "cifar10", "cifar100", "digits", "folder", "imagenet", "npz", "voc",
    ]  # fmt: skip


def test_an_unknown_name_lists_the_valid_ones():
    with pytest.raises(PruningError, match=r"data set 'digit'.*Did you mean 'digits'.*cifar10"):
        tfprune.data.load("digit")


def test_digits_are_divided_without_overlap(digits):
    splits = [digits.train, digits.validation, digits.test]
    assert [len(split) for split in splits] == [1257, 180, 360]
    rows = np.concatenate([split.images.reshape(len(split), -1) for split in splits])
    assert len(np.unique(rows, axis=0)) == 1797  # no two digits are alike, none is used twice


def test_each_class_has_its_share_of_every_split(digits):
    whole = sum(
        np.bincount(split.labels) for split in (digits.train, digits.validation, digits.test)
    )
    for split in (digits.train, digits.validation, digits.test):
        np.testing.assert_allclose(np.bincount(split.labels), whole * len(split) / 1797, atol=1.01)


def test_the_seed_chooses_the_validation_split_and_never_the_test_split(digits):
    again = tfprune.data.load("digits")
    other = tfprune.data.load("digits", seed=1)
    np.testing.assert_array_equal(digits.validation.images, again.validation.images)
    assert not np.array_equal(digits.validation.images, other.validation.images)
    np.testing.assert_array_equal(digits.test.images, other.test.images)


def test_types_and_shapes(digits):
    assert digits.train.images.dtype == np.uint8
    assert digits.train.images.max() == 16
    assert digits.train.labels.dtype == np.int64
    assert (digits.input_shape, digits.num_classes, digits.class_names[3]) == ((8, 8, 1), 10, "3")


def test_without_validation_all_else_is_training():
    data = tfprune.data.load("digits", validation_size=0)
    assert data.validation is None
    assert len(data.train) == 1797 - 360


@pytest.mark.parametrize("size", [9, 1437])
def test_a_validation_split_without_a_class_is_refused(size):
    with pytest.raises(PruningError, match=rf"between 10 .* 1427 of the 1437.*received {size}"):
        tfprune.data.load("digits", validation_size=size)


def test_a_folder_for_the_embedded_set_is_refused():
    with pytest.raises(PruningError, match=r"data_dir has no effect on 'digits'.*'here'"):
        tfprune.data.load("digits", data_dir="here")


def test_statistics_are_of_the_training_split_alone(digits):
    scaled = digits.train.images / 16.0
    for split in (digits.train, digits.validation, digits.test):
        np.testing.assert_allclose(split.statistics.pixel_mean, scaled.mean(0), atol=1e-6)
        np.testing.assert_allclose(split.statistics.mean, scaled.mean((0, 1, 2)), atol=1e-6)
        np.testing.assert_allclose(split.statistics.std, scaled.std((0, 1, 2)), atol=1e-6)


def test_a_split_refuses_labels_that_do_not_fit_its_images(digits):
    images, labels = digits.train.images, digits.train.labels
    with pytest.raises(PruningError, match=r"images \(1257, 8, 8, 1\) and labels \(3,\)"):
        Split(Arrays(images, labels[:3]))
    with pytest.raises(PruningError, match=r"'classification' expects .*\[N\], .*float64"):
        Split(Arrays(images, labels / 2))


def test_a_fingerprint_tells_data_and_splits_apart(digits):
    again = tfprune.data.load("digits")
    assert again.fingerprint == digits.fingerprint
    assert len(digits.fingerprint) == 16
    other = tfprune.data.load("digits", seed=1)
    assert other.fingerprint != digits.fingerprint
    assert other.test.fingerprint == digits.test.fingerprint
    images = digits.train.images.copy()
    images[100, 3, 4] += 1
    labels = digits.train.labels
    assert Split(Arrays(images, labels)).fingerprint != digits.train.fingerprint
    images[100, 3, 4] -= 1
    assert Split(Arrays(images, labels)).fingerprint == digits.train.fingerprint
    assert Split(Arrays(images, np.roll(labels, 1))).fingerprint != digits.train.fingerprint


@pytest.mark.parametrize("settings", [{"seed": -1}, {"seed": "0"}, {"validation_size": 0.5}])
def test_settings_of_another_kind_are_refused(settings):
    (name,) = settings
    with pytest.raises(PruningError, match=f"{name} must be a whole number from 0 on, received"):
        tfprune.data.load("digits", **settings)
