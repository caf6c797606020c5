import numpy as np
import pytest

import tfprune.data
from tfprune.data import Arrays, Split
from tfprune.data.statistics import measure
from tfprune.errors import PruningError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (50, 8, 8, 3)).astype("uint8")
LABELS = np.arange(50) % 7


@pytest.fixture(scope="module")
def split():
    return Split(Arrays(IMAGES, LABELS), statistics=measure(IMAGES, 255))


def collect(dataset):
    pairs = [(x.numpy(), y.numpy()) for x, y in dataset]
    return [np.concatenate(parts) for parts in zip(*pairs, strict=True)]


SCALED = IMAGES / 255
NORMALISED = {
    "none": IMAGES,
    "scale": SCALED,
    "channel": (SCALED - SCALED.mean((0, 1, 2))) / SCALED.std((0, 1, 2)),
    "imagenet": (SCALED - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    "pixel": SCALED - SCALED.mean(0),
}


@pytest.mark.parametrize("name", NORMALISED)
def test_normalisations(split, name):
    images, labels = collect(split.batches(16, normalisation=name))
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    np.testing.assert_allclose(images, NORMALISED[name], atol=2e-6 * np.abs(NORMALISED[name]).max())
    np.testing.assert_array_equal(labels, LABELS)


def test_the_data_sets_own_normalisation_is_the_default(split):
    np.testing.assert_array_equal(
        collect(split.batches(16))[0], collect(split.batches(16, normalisation="channel"))[0]
    )


def test_imagenets_mean_is_of_three_channels():
    grey = Split(Arrays(IMAGES[..., :1], LABELS), statistics=measure(IMAGES[..., :1], 255))
    with pytest.raises(PruningError, match=r"'imagenet' is for images with 3 channels, received 1"):
        grey.batches(8, normalisation="imagenet")


def test_batches_and_the_last_one(split):
    assert [len(y) for _, y in split.batches(16)] == [16, 16, 16, 2]
    assert [len(y) for _, y in split.batches(16, drop_remainder=True)] == [16, 16, 16]
    assert len(split.epochs(16)) == 4 == len(split.batches(16))
    assert len(split.epochs(16, drop_remainder=True)) == 3


def test_every_epoch_is_a_function_of_seed_and_epoch(split):
    settings = {"shuffle": True, "augment": "crop_flip"}
    data, again = (split.epochs(16, seed=1, **settings) for _ in range(2))
    list(data.epoch(0))  # what was read before must not matter
    images, labels = collect(data.epoch(3))
    same_images, same_labels = collect(again.epoch(3))
    np.testing.assert_array_equal(images, same_images)
    np.testing.assert_array_equal(labels, same_labels)
    np.testing.assert_array_equal(
        images, collect(split.batches(16, epoch=3, seed=1, **settings))[0]
    )
    for other in (data.epoch(4), split.epochs(16, seed=2, **settings).epoch(3)):
        assert not np.array_equal(collect(other)[1], labels)
    assert sorted(labels) == sorted(LABELS)


def test_the_augmentation_differs_between_epochs_and_batches(split):
    data = split.epochs(25, augment="crop", normalisation="none")
    first, second = (collect(data.epoch(e))[0] for e in (0, 1))
    assert not np.array_equal(first, second)
    shifts = [[tuple(np.argwhere(x == 0)[0]) if (x == 0).any() else None for x in part]
              for part in (first[:25], first[25:])]  # fmt: skip
    assert shifts[0] != shifts[1]


def test_images_stay_with_their_labels(split):
    images, labels = collect(split.epochs(16, shuffle=True, normalisation="none").epoch(0))
    places = [np.argmax((image == IMAGES).all((1, 2, 3))) for image in images]
    assert len(set(places)) == 50
    np.testing.assert_array_equal(LABELS[places], labels)


def test_padding_is_black_unless_the_mean_picture_is_taken_off_first(split):
    """Papers differ: torchvision pads the raw picture, He et al. the one without the mean."""
    black = (0 - SCALED.mean((0, 1, 2))) / SCALED.std((0, 1, 2))
    images = collect(split.batches(50, augment="crop", seed=2))[0]
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]].reshape(-1, 3)
    assert np.isclose(corners, black, atol=1e-5).all(1).any()
    images = collect(split.batches(50, augment="crop", normalisation="pixel", seed=2))[0]
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]].reshape(-1, 3)
    assert (corners == 0).all(1).any()


def test_a_constant_channel_does_not_divide_by_zero():
    images = IMAGES.copy()
    images[..., 1] = 7
    split = Split(Arrays(images, LABELS), statistics=measure(images, 255))
    assert np.isfinite(collect(split.batches(50))[0]).all()


def test_settings_that_do_not_suit_are_refused(split):
    with pytest.raises(PruningError, match=r"normalisation 'chanel'.*Did you mean 'channel'"):
        split.batches(8, normalisation="chanel")
    with pytest.raises(PruningError, match=r"batch_size must be a whole number .*received 0"):
        split.epochs(0)
    with pytest.raises(PruningError, match=r"50 images make no batch of 64.*smaller batch_size"):
        split.epochs(64, drop_remainder=True)


def test_statistics_are_measured_in_parts(monkeypatch):
    monkeypatch.setattr("tfprune.data.statistics._CHUNK", 7)
    np.testing.assert_allclose(measure(IMAGES, 255).std, SCALED.std((0, 1, 2)), rtol=1e-6)


def test_digits_need_no_flip():
    assert tfprune.data.load("digits").augment == "crop"


def test_what_identifies_a_training_names_a_limit_only_where_there_is_one(split):
    """Else trainings that were begun before there were limits were another one's."""
    shown = (
        "Epochs(split=Split(normalisation='channel'), batch_size=16, shuffle=True, "
        "augment='crop', normalisation='channel', seed=3, drop_remainder=False"
    )
    settings = {"shuffle": True, "augment": "crop", "seed": 3}
    assert repr(split.epochs(16, **settings)) == f"{shown})"
    assert repr(split.epochs(16, **settings, limit=9)) == f"{shown}, limit=9)"
