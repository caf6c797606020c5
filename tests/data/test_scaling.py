"""Against a loop over pixels: where each of them comes from."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune.data import scaling

PICTURE = np.random.default_rng(0).integers(0, 256, (9, 14, 3)).astype("float32")
MASK = np.random.default_rng(1).integers(0, 5, (9, 14)).astype("uint8")


def naive(picture, mask, size, scaled, first, flip):
    """Scale both to `scaled`, flip them, and cut `size` out behind `first`, pixel by pixel."""
    image, labels = np.zeros((*size, 3)), np.full(size, 255)
    height, width = mask.shape
    for y in range(size[0]):
        for x in range(size[1]):
            row, column = y + first[0], x + first[1]
            if row >= scaled[0] or column >= scaled[1]:
                continue
            v = (row + 0.5) * height / scaled[0]
            u = (column + 0.5) * width / scaled[1]
            u = width - u if flip else u
            labels[y, x] = mask[min(int(v), height - 1), min(int(u), width - 1)]
            v, u = np.clip(v - 0.5, 0, height - 1), np.clip(u - 0.5, 0, width - 1)
            above, left = int(v), int(u)
            below, right = min(above + 1, height - 1), min(left + 1, width - 1)
            b, r = v - above, u - left
            upper = picture[above, left] * (1 - r) + picture[above, right] * r
            lower = picture[below, left] * (1 - r) + picture[below, right] * r
            image[y, x] = upper * (1 - b) + lower * b
    return image, labels


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.5, 0.5), (1.5, 0.7)])
def test_a_whole_picture(scale):
    size = (10, 12)
    scaled = [round(side * by) for side, by in zip(MASK.shape, scale, strict=True)]
    image, labels = naive(PICTURE, MASK, size, scaled, (0, 0), False)
    np.testing.assert_allclose(scaling.fitted(PICTURE, size, scale), image, atol=1e-3)
    found = scaling.fitted_mask(MASK, size, scale).numpy()
    differ = found != labels
    assert differ.mean() < 0.15  # on the edge between two labels rounding decides
    assert {*np.unique(found)} <= {*np.unique(MASK), 255}
    np.testing.assert_array_equal(found == 255, labels == 255)


def test_nothing_changes_at_its_own_size():
    np.testing.assert_array_equal(scaling.fitted(PICTURE, (9, 14)), PICTURE)
    np.testing.assert_array_equal(scaling.fitted_mask(MASK, (9, 14)), MASK)


@pytest.mark.parametrize("size", [(6, 8), (16, 30)])
def test_what_is_drawn(size, monkeypatch):
    """The draws: factor, coin, and the first row and column among those that are possible."""
    factor, coin = 1.25, 0.2
    scaled = (11, 18)  # of 9x14, rounded to even numbers at a half
    room = [max(side - count, 0) for side, count in zip(scaled, size, strict=True)]
    draws = iter([factor, coin, room[0], room[1] // 2])
    monkeypatch.setattr(
        scaling.tf.random, "stateless_uniform", lambda *_, **__: tf.constant(next(draws))
    )
    image, labels = scaling.scale_crop_flip(PICTURE, MASK, size, tf.constant([1, 2]))
    first = (room[0], room[1] // 2)
    expected, expected_labels = naive(PICTURE, MASK, size, scaled, first, True)
    np.testing.assert_allclose(image, expected, atol=1e-3)
    assert (labels.numpy() != expected_labels).mean() < 0.1
    np.testing.assert_array_equal(labels == 255, expected_labels == 255)


def test_picture_and_mask_move_together():
    """A picture whose grey value is its label stays one, but between two labels."""
    labels = np.kron(np.random.default_rng(2).integers(0, 3, (4, 5)), np.ones((8, 8), int))
    picture = np.repeat(labels[..., None], 3, axis=-1).astype("float32")
    sizes = set()
    for seed in range(20):
        image, mask = scaling.scale_crop_flip(picture, labels, (24, 24), tf.constant([seed, 0]))
        image, mask = image.numpy()[..., 0], mask.numpy()
        void = mask == 255
        np.testing.assert_array_equal(image[void], 0)
        assert (np.abs(image - mask)[~void] < 0.51).mean() > 0.8
        sizes.add(int((~void).sum()))
    assert max(sizes) == 24 * 24
    assert min(sizes) < 24 * 24  # small ones are padded


def test_factors_reach_from_a_half_to_two():
    widths = []
    mask = np.zeros((8, 400), "uint8")
    for seed in range(200):
        drawn = scaling.scale_crop_flip(
            np.zeros((8, 400, 1)), mask, (8, 900), tf.constant([7, seed])
        )
        widths.append(int((drawn[1].numpy()[0] == 0).sum()) / 400)
    assert 0.5 <= min(widths) < 0.53
    assert 1.97 < max(widths) <= 2.0
    assert abs(np.mean(widths) - 1.25) < 0.1
