import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.data.photographs import encoded
from tfprune.data import photographs


def picture(content):
    return Image.open(io.BytesIO(content)).convert("RGB")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(300, 400), (500, 333), (224, 224), (90, 60)])
def test_evaluation_sees_what_torchvision_would(kind, size):
    """Shorter side 256 (Pillow's antialiased bilinear), centre 224."""
    content = encoded(1, size, kind)
    image = picture(content)
    width, height = image.size
    if width < height:
        resized = (256, int(256 * height / width))
    else:
        resized = (int(256 * width / height), 256)
    left, top = (round((side - 224) / 2) for side in resized)
    expected = image.resize(resized, Image.Resampling.BILINEAR).crop(
        (left, top, left + 224, top + 224)
    )
    found = photographs.centre(tf.constant(content), (224, 224)).numpy()
    assert found.std() > 20
    np.testing.assert_allclose(found, np.asarray(expected, "float32"), atol=1.01)


@pytest.mark.parametrize("size", [(40, 40), (40, 90), (90, 40), (300, 31)])
def test_a_picture_fills_a_size_that_is_no_square(size):
    content = encoded(1, size)
    expected = picture(content)
    scale = max(37 / size[0], 73 / size[1])  # 256/224 of either side
    resized = [int(side * scale + 1e-6) for side in size]
    top, left = (round((a - b) / 2) for a, b in zip(resized, (32, 64), strict=True))
    expected = expected.resize(resized[::-1], Image.Resampling.BILINEAR).crop(
        (left, top, left + 64, top + 32)
    )
    found = photographs.centre(tf.constant(content), (32, 64)).numpy()
    np.testing.assert_allclose(found, np.asarray(expected, "float32"), atol=1.01)


def test_a_picture_of_the_right_size_stays_as_it_is():
    content = encoded(2, (20, 30), "PNG")
    found = photographs.as_it_is(tf.constant(content), (20, 30)).numpy()
    np.testing.assert_array_equal(found, np.asarray(picture(content)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="did not hold"):
        photographs.as_it_is(tf.constant(content), (30, 20))


def test_grey_pictures_get_three_channels():
    stream = io.BytesIO()
    picture(encoded(3)).convert("L").save(stream, "JPEG")
    found = photographs.decode(tf.constant(stream.getvalue())).numpy()
    assert found.shape == (40, 56, 3)
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


def ramps(size):
    """Red tells the column and green the row of a pixel."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    pixels = np.stack([columns, rows, 0 * rows], -1).astype("uint8")
    streams = [io.BytesIO(), io.BytesIO()]
    Image.fromarray(pixels).save(streams[0], "PNG")
    Image.fromarray(pixels).save(streams[1], "JPEG", quality=100, subsampling=0)
    return [stream.getvalue() for stream in streams]


@pytest.mark.parametrize("kind", [0, 1])
def test_random_crops_have_the_papers_areas_and_ratios(kind):
    size = (200, 240)
    content = tf.constant(ramps(size)[kind])
    areas, ratios, flips = [], [], []
    crop = tf.function(lambda i: photographs.random_resized_crop_flip(content, (224, 224), [7, i]))
    for i in range(150):
        image = crop(tf.constant(i, tf.int32)).numpy()
        slopes = [np.diff(image[40:-40, 40:-40, channel], axis=1 - channel).mean() * 224
                  for channel in (0, 1)]  # fmt: skip
        flips.append(slopes[0] < 0)
        areas.append(abs(slopes[0]) * slopes[1] / np.prod(size))
        ratios.append(abs(slopes[0]) / slopes[1])
    assert 0.075 < min(areas) < 0.25
    assert 0.8 < max(areas) <= 1.03
    assert 0.72 < min(ratios) < 0.85
    assert 1.2 < max(ratios) < 1.37
    assert 0.35 < np.mean(flips) < 0.65


def test_random_crops_are_functions_of_their_seed():
    content = tf.constant(encoded(4, (100, 120)))
    images = [photographs.random_resized_crop_flip(content, (64, 64), seed).numpy()
              for seed in ([0, 1], [0, 1], [0, 2], [1, 1])]  # fmt: skip
    np.testing.assert_array_equal(images[0], images[1])
    for other in images[2:]:
        assert np.abs(other - images[0]).mean() > 1


def damaged():
    jpeg, png = encoded(5, (200, 240)), encoded(5, (200, 240), "PNG")
    return {  # and what TensorFlow says of them
        "empty": (b"", "out of range for string|Input is empty"),
        "text": (b"no picture at all", "Unknown image file format"),
        "head": (jpeg[:30], "Invalid JPEG data"),
        "half": (jpeg[: len(jpeg) // 2], "Invalid JPEG data"),
        "almost": (jpeg[:-200], "Invalid JPEG data"),
        "png": (png[: len(png) // 2], "Invalid PNG data"),
    }


@pytest.mark.parametrize("name", damaged())
def test_a_damaged_file_raises_whatever_part_of_it_is_wanted(name):
    content, text = damaged()[name]
    views = [lambda: photographs.centre(content, (64, 64)),
             lambda: photographs.as_it_is(content, (200, 240))]  # fmt: skip
    views += [
        lambda i=i: photographs.random_resized_crop_flip(content, (64, 64), [i, 0])
        for i in range(8)
    ]
    for view in views:
        with pytest.raises(tf.errors.InvalidArgumentError, match=text):
            view()
