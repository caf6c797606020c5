"""Mean and deviation of a training split, also where there is nothing to scale."""

import numpy as np

from tfprune.data import statistics
from tfprune.data.statistics import measure


def test_they_are_those_of_all_pixels_whatever_the_portions(monkeypatch):
    monkeypatch.setattr(statistics, "_CHUNK", 2)
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 2)).astype(np.uint8)
    found = measure(images, 255)
    np.testing.assert_allclose(found.mean, (images / 255).mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.std, (images / 255).std((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.pixel_mean, (images / 255).mean(0), rtol=1e-6)


def test_a_channel_that_never_varies_is_left_as_it_is():
    images = np.zeros((3, 2, 2, 2), np.uint8)
    images[..., 1] = np.arange(3)[:, None, None]
    found = measure(images, 255)
    assert found.std[0] == 1.0
    assert 0 < found.std[1] < 1
    assert np.isfinite((images / 255 - found.mean) / found.std).all()
