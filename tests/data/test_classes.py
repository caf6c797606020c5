import numpy as np
import pytest

from tests.data import streets
from tfprune.data import class_weights, classes, load
from tfprune.errors import PruningError


def naive_colour(label):
    """VOC's own loop over bits."""
    red = green = blue = 0
    for j in range(8):
        red |= (label >> 3 * j & 1) << (7 - j)
        green |= (label >> 3 * j + 1 & 1) << (7 - j)
        blue |= (label >> 3 * j + 2 & 1) << (7 - j)
    return red, green, blue


def test_colours_are_those_of_voc():
    found = classes.voc_colours(256)
    assert found == tuple(naive_colour(label) for label in range(256))
    assert (found[15], found[20], found[255]) == ((192, 128, 128), (0, 64, 128), (224, 224, 192))


def test_built_in_classes():
    voc, camvid = classes.find("voc"), classes.find("camvid")
    assert (len(voc.names), voc.names[15]) == (21, "person")
    assert (len(camvid.names), camvid.names[3], camvid.colours[3]) == (11, "road", (128, 64, 128))
    palette = voc.palette()
    assert palette.shape == (256, 3)
    np.testing.assert_array_equal(palette[255], (224, 224, 192))


def test_names_without_colours_get_those_of_voc(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("sky\n\nroad # all of it\n")
    assert classes.find(path) == classes.Classes(("sky", "road"), classes.voc_colours(2))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("sky 1 2\nroad", r"classes\.txt, line 1: expected .*received 'sky 1 2'"),
        ("sky\nroad 1 2 256", r"line 2: expected .*received 'road 1 2 256'"),
        ("sky\nsky\n", "different names, a line each; received 'sky' twice"),
        ("sky\n", "expected 2 to 255 classes .*; received 1"),
        ("sky 1 2 3\nroad", "a colour for each of the 2 classes or for none, received 1"),
    ],
)
def test_what_is_no_list_of_classes(tmp_path, text, match):
    path = tmp_path / "classes.txt"
    path.write_text(text)
    with pytest.raises(PruningError, match=match):
        classes.find(path)


def test_neither_a_name_nor_a_file():
    with pytest.raises(PruningError, match=r"list of classes 'camvit'. Did you mean 'camvid'\?"):
        classes.find("camvit")


def test_weights_by_the_pixels_of_a_class(tmp_path):
    root = streets.write(tmp_path / "voc", {"train": 4, "val": 1, "test": 1})
    data = load("voc", data_dir=root, classes=root / "classes.txt")
    masks = np.stack([streets.mask([0, 0, i]) for i in range(4)])
    share = np.array([(masks == c).sum() / (masks != 255).sum() for c in range(3)])
    assert share[2] < min(share[:2])
    expected = np.median(share) / share
    np.testing.assert_allclose(class_weights.balanced(data), expected)
    np.testing.assert_allclose(class_weights.balanced(data, "median_sqrt"), expected**0.5)
    with pytest.raises(PruningError, match=r"class_weight 'mean'.*Valid names: median, median_sq"):
        class_weights.balanced(data, "mean")
    with pytest.raises(PruningError, match="'median' has no effect on the data set 'digits'"):
        class_weights.balanced(load("digits"))
