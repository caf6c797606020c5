import numpy as np
import pytest
from PIL import Image

import tfprune.data
from tests.data import streets
from tfprune.errors import PruningError

LISTS = {"train": 6, "val": 2, "test": 3}


@pytest.fixture
def root(tmp_path):
    return streets.write(tmp_path / "voc", LISTS)


def load(root, **options):
    return tfprune.data.load("voc", data_dir=root, classes=root / "classes.txt", **options)


def names(split):
    return [split.source.name(place) for place in split.places]


def labels(split, **settings):
    return np.concatenate([y for _, y in split.batches(4, **settings)])


@pytest.mark.parametrize("palette", [False, True])
def test_masks_come_as_they_are_drawn(tmp_path, palette):
    data = load(streets.write(tmp_path / "voc", LISTS, palette=palette))
    assert (data.num_classes, data.class_names, data.input_shape) == (3, streets.NAMES, (24, 32, 3))
    assert [len(split) for split in (data.train, data.validation, data.test)] == [6, 2, 3]
    assert data.colours[2] == (0, 0, 142)
    expected = np.stack([streets.mask([0, 0, i]) for i in range(6)])
    assert {*np.unique(expected)} == {0, 1, 2, 255}
    np.testing.assert_array_equal(labels(data.train), expected)


def test_photographs_come_normalised(root):
    data = load(root)
    with Image.open(root / "JPEGImages" / "test_1.jpg") as image:
        expected = np.asarray(image) / 255
    found = np.concatenate([x for x, _ in data.test.batches(2)])[1]
    expected = (expected - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(found, expected, atol=0.02)  # decoders differ by a grey value


def test_a_smaller_image_is_padded_and_judged_at_its_own_size(root):
    name = "test_0"
    Image.new("RGB", (20, 16), "white").save(root / "JPEGImages" / f"{name}.jpg")
    Image.fromarray(np.full((16, 20), 2, np.uint8)).save(root / "SegmentationClass" / f"{name}.png")
    data = load(root, image_size=(16, 16))
    images, masks = next(iter(data.test.batches(1, normalisation="scale")))
    assert (images.shape, masks.shape) == ((1, 16, 16, 3), (1, 24, 32))
    expected = np.full((24, 32), 255)
    expected[:16, :20] = 2
    np.testing.assert_array_equal(masks[0], expected)
    white = np.zeros((16, 16))
    white[:11, :10] = 1  # 16 of 24 rows, and 20 of 32 columns, of 16
    np.testing.assert_allclose(images[0, ..., 0], white, atol=0.02)
    assert next(iter(data.train.batches(1)))[1].shape == (1, 16, 16)


def test_without_a_test_list_val_is_the_test(tmp_path):
    root = streets.write(tmp_path / "voc", {"train": 20, "val": 4})
    data = load(root)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [18, 2, 4]
    other = load(root, seed=1)
    assert names(other.validation) != names(data.validation)
    assert load(root, validation_size=0).validation is None
    with pytest.raises(PruningError, match="validation_size=20 leaves none of the 20"):
        load(root, validation_size=20)


def test_listed_validation_images_are_not_chosen(root):
    assert load(root, validation_size=0).validation is None
    with pytest.raises(PruningError, match=r"validation_size=2 has no effect: .*val\.txt lists"):
        load(root, validation_size=2)


def test_a_list_of_one_class(root):
    path = root / "ImageSets/Segmentation" / "train_car_list.txt"
    path.write_text("train_1\ntrain_4  1\ntrain_2 -1\n")
    for given in ("train_car_list", "train_car_list.txt", str(path)):
        found = [name.split("/")[-1] for name in names(load(root, train_list=given).train)]
        assert found == ["train_1.jpg", "train_4.jpg"]
    with pytest.raises(PruningError, match=r"no list 'train_cat'.*Lists there: test\.txt, train"):
        load(root, train_list="train_cat")


def strange_label(root):
    path = root / "SegmentationClass" / "train_2.png"
    with Image.open(path) as image:
        labels = np.array(image)
    labels[0, 0] = 3
    Image.fromarray(labels).save(path)


def other_size(root):
    Image.new("L", (32, 20)).save(root / "SegmentationClass" / "train_2.png")


def no_photograph(root):
    (root / "JPEGImages" / "train_2.jpg").unlink()


def no_mask(root):
    (root / "SegmentationClass" / "train_2.png").unlink()


def half_a_photograph(root):
    path = root / "JPEGImages" / "train_2.jpg"
    path.write_bytes(path.read_bytes()[:-200])


def colours_for_labels(root):
    Image.new("RGB", (32, 24)).save(root / "SegmentationClass" / "train_2.png")


FAULTS = {
    strange_label: r"train_2\.png has the label 3; the 3 classes are 0 to 2, and 255 is void",
    other_size: r"train_2\.png has 32x20 pixels, its photograph 32x24",
    no_photograph: r"train_2\.jpg is missing",
    no_mask: r"train_2\.png is missing",
    half_a_photograph: r"train_2\.jpg cannot be read: .*truncated",
    colours_for_labels: r"train_2\.png cannot be read: expected a grey or a palette .*received RGB",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_is_unsound_is_named_or_skipped(root, fault, caplog):
    fault(root)
    with pytest.raises(PruningError, match=rf"list .*train\.txt: line 3: .*{FAULTS[fault]}"):
        load(root)
    data = load(root, skip_bad=True)
    assert len(data.train) == 5
    assert "Skipped 1 of 6" in caplog.text
    assert "line 3" in caplog.text


def test_an_empty_list(root):
    (root / "ImageSets/Segmentation" / "train.txt").write_text("\n\n")
    with pytest.raises(PruningError, match=r"train\.txt is empty: .*received none"):
        load(root)


def test_all_of_a_list_is_unsound(root):
    (root / "ImageSets/Segmentation" / "train.txt").write_text("cat\ndog\n")
    with pytest.raises(PruningError, match=r"train\.txt is empty: .*received 2 that are not"):
        load(root, skip_bad=True)


def test_what_cannot_be_chosen(root):
    with pytest.raises(PruningError, match=r"image_size must .* multiples of 8, received \(20, 3"):
        load(root, image_size=(20, 32))
    with pytest.raises(PruningError, match=r"needs data_dir, .*received None"):
        tfprune.data.load("voc")
    with pytest.raises(PruningError, match="skip_bad=True has no effect on the data set 'digits'"):
        tfprune.data.load("digits", skip_bad=True)
    with pytest.raises(PruningError, match=r"augmentation of masks 'crop'.*Valid names: none, sca"):
        load(root).train.epochs(2, augment="crop")
    with pytest.raises(PruningError, match="'pixel' needs a mean image"):
        load(root).train.epochs(2, normalisation="pixel")
    with pytest.raises(PruningError, match="3 images make no batch of 4"):
        load(root).test.epochs(4, drop_remainder=True)


def test_epochs_repeat_and_differ(root):
    epochs = load(root).train.epochs(4, shuffle=True, augment="scale_crop_flip", seed=3)
    first, again, second = ([y.numpy() for _, y in epochs.epoch(e)] for e in (0, 0, 1))
    assert [len(y) for y in first] == [4, 2]
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(again))
    assert (np.concatenate(first) != np.concatenate(second)).any()


def test_fingerprints_see_every_mask(root):
    data = load(root)
    assert load(root).fingerprint == data.fingerprint
    path = root / "SegmentationClass" / "train_5.png"
    with Image.open(path) as image:
        labels = np.array(image)
    labels[0, 0] = 1
    Image.fromarray(labels).save(path)
    other = load(root)
    assert other.train.fingerprint != data.train.fingerprint
    assert other.test.fingerprint == data.test.fingerprint
