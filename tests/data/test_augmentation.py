import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tfprune.data import augmentation
from tfprune.errors import PruningError

RNG = np.random.default_rng(0)
SEED = tf.constant([3, 4], tf.int64)


def numbered(side, count=200, channels=2):
    """Pictures whose every pixel is unlike all others and above zero."""
    size = side * side * channels
    return np.stack([1 + np.arange(size).reshape(side, side, channels)] * count).astype("uint16")


def padded_crops(image, pad, flip):
    """All results a crop can have, by the naive way."""
    side = len(image)
    padded = np.pad(image, [(pad, pad), (pad, pad), (0, 0)])
    for top in range(2 * pad + 1):
        for left in range(2 * pad + 1):
            crop = padded[top : top + side, left : left + side]
            yield crop
            if flip:
                yield crop[:, ::-1]


@pytest.mark.parametrize(("name", "flip"), [("crop", False), ("crop_flip", True)])
@pytest.mark.parametrize("side", [8, 16])
def test_a_crop_is_a_window_of_the_padded_picture(name, flip, side):
    images = numbered(side, 300)
    found = augmentation.find(name)(tf.constant(images), SEED).numpy()
    possible = {crop.tobytes() for crop in padded_crops(images[0], side // 8, flip)}
    seen = {image.tobytes() for image in found}
    assert seen <= possible
    assert len(seen) > 0.8 * len(possible)
    assert found.dtype == images.dtype


def test_a_picture_of_cifar_is_padded_by_four():
    image = np.ones((1, 32, 32, 1), "uint8")
    rows = {
        int(augmentation.find("crop_flip")(image, tf.constant([s, 0])).numpy()[0].max(1).sum())
        for s in range(60)
    }
    assert min(rows) == 28
    assert max(rows) == 32


def test_each_picture_is_moved_by_itself_but_all_its_channels_alike():
    images = numbered(8, 20)
    found = augmentation.find("crop_flip")(images, SEED).numpy()
    assert len({image.tobytes() for image in found}) > 5
    inside = found[..., 0] > 0
    np.testing.assert_array_equal(found[..., 1][inside], found[..., 0][inside] + 1)


def naive_shift(image, dy, dx, flip):
    """Bilinear, with the border repeated, by scipy."""
    moved = np.stack(
        [ndimage.shift(c, (-dy, -dx), order=1, mode="nearest") for c in np.moveaxis(image, -1, 0)],
        axis=-1,
    )
    return moved[:, ::-1] if flip else moved


def test_a_shift_equals_scipys(monkeypatch):
    images = RNG.normal(size=(6, 10, 10, 3)).astype("float32")
    shifts = RNG.uniform(-1, 1, (2, 6)).astype("float32")
    coins = np.array([0.2, 0.7, 0.4, 0.9, 0.6, 0.1], "float32")
    drawn = iter([shifts[0][:, None], shifts[1][:, None], coins[:, None]])
    monkeypatch.setattr(
        augmentation.tf.random, "stateless_uniform", lambda *_, **__: tf.constant(next(drawn))
    )
    found = augmentation.find("shift_flip")(tf.constant(images), SEED).numpy()
    for image, dy, dx, coin, result in zip(images, *shifts, coins, found, strict=True):
        np.testing.assert_allclose(result, naive_shift(image, dy, dx, coin < 0.5), atol=1e-5)


def test_a_shift_reaches_a_tenth_of_the_side_and_no_further():
    ramp = np.tile(np.arange(40.0, dtype="float32")[:, None, None], (500, 1, 40, 1))
    found = augmentation.find("shift_flip")(tf.constant(ramp.reshape(500, 40, 40, 1)), SEED).numpy()
    moved = found[:, 20, 20, 0] - 20
    assert np.abs(moved).max() <= 4
    assert np.abs(moved).max() > 3.8
    assert abs(moved.mean()) < 0.3


def test_half_of_the_pictures_are_flipped():
    images = np.tile(np.arange(8, dtype="uint8")[None, None, :, None], (1000, 8, 1, 1))
    found = augmentation.find("crop_flip")(images, SEED).numpy()[:, 4, :, 0]
    share = np.mean(found[:, 2] > found[:, 5])
    assert 0.45 < share < 0.55


@pytest.mark.parametrize("name", sorted(set(augmentation.AUGMENTATIONS) - {"none"}))
def test_the_seed_decides(name):
    augment = augmentation.find(name)
    images = numbered(8, 20)
    one, again, other = (
        augment(images, tf.constant(s, tf.int64)).numpy() for s in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_none_and_unknown():
    images = numbered(8, 2)
    np.testing.assert_array_equal(augmentation.find("none")(images, SEED), images)
    with pytest.raises(PruningError, match=r"augmentation 'flip_crop'.*crop_flip.*shift_flip"):
        augmentation.find("flip_crop")
