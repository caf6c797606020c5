import numpy as np
import pytest

import tfprune.data
from tfprune.errors import PruningError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 4, 5, 3)).astype("uint8")
LABELS = np.arange(60) % 3


def write(tmp_path, **arrays):
    np.savez(tmp_path / "x.npz", **arrays)
    return tmp_path / "x.npz"


def divided(**changes):
    return {"x_train": IMAGES[:40], "y_train": LABELS[:40], "x_test": IMAGES[40:],
            "y_test": LABELS[40:], **changes}  # fmt: skip


def keys(split):
    return {image.tobytes() for image in split.images}


def test_the_files_own_test_images_stay_the_test_split(tmp_path):
    write(tmp_path, **divided())
    data = tfprune.data.load("npz", data_dir=tmp_path, validation_size=6)
    assert (len(data.train), len(data.validation), len(data.test)) == (34, 6, 20)
    np.testing.assert_array_equal(data.test.images, IMAGES[40:])
    np.testing.assert_array_equal(data.test.labels, LABELS[40:])
    assert data.train.labels.dtype == np.int64
    assert (data.num_classes, data.input_shape, data.augment) == (3, (4, 5, 3), "crop")
    assert np.bincount(data.validation.labels).tolist() == [2, 2, 2]
    assert keys(data.train) | keys(data.validation) == {x.tobytes() for x in IMAGES[:40]}


def test_one_pair_of_arrays_is_divided_without_overlap_and_the_test_split_is_fixed(tmp_path):
    path = write(tmp_path, images=IMAGES, labels=LABELS)
    data, other = (tfprune.data.load("npz", data_dir=path, seed=seed) for seed in (0, 1))
    splits = [data.train, data.validation, data.test]
    assert [len(split) for split in splits] == [44, 4, 12]
    assert len(set.union(*map(keys, splits))) == 60
    assert keys(data.test) == keys(other.test)
    assert keys(data.validation) != keys(other.validation)
    places = {x.tobytes(): y for x, y in zip(IMAGES, LABELS, strict=True)}
    for split in splits:
        assert [places[x.tobytes()] for x in split.images] == split.labels.tolist()


def test_grey_pictures_and_columns_of_labels_as_keras_has_them(tmp_path):
    path = write(tmp_path, images=IMAGES[..., 0], labels=LABELS[:, None].astype("uint8"))
    data = tfprune.data.load("npz", data_dir=path, validation_size=0)
    assert data.input_shape == (4, 5, 1)
    assert data.validation is None
    rows = {x.tobytes() for x in IMAGES[..., 0]}
    assert keys(data.train) | keys(data.test) == rows


@pytest.mark.parametrize("maximum", [1, 255])
def test_floats_are_scaled_by_their_range(tmp_path, maximum):
    path = write(tmp_path, images=IMAGES * (maximum / 255), labels=LABELS)
    images, _ = next(iter(tfprune.data.load("npz", data_dir=path).test.batches(
        60, normalisation="scale")))  # fmt: skip
    whole = tfprune.data.load("npz", data_dir=write(tmp_path, images=IMAGES, labels=LABELS))
    np.testing.assert_allclose(images, whole.test.images / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"a": IMAGES, "b": LABELS}, r"arrays \['a', 'b'\], expected either x_train, y_train.*lab"),
        ({"images": IMAGES}, r"arrays \['images'\], expected either"),
        ({"images": IMAGES[0, 0], "labels": LABELS}, r"received \(5, 3\) and \(60,\)"),
        ({"images": IMAGES, "labels": LABELS[:9]}, r"\(60, 4, 5, 3\) and \(9,\)"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, r"N >= 1, received \(0, 4, 5, 3\)"),
        ({"images": IMAGES.astype("int32"), "labels": LABELS}, "uint8 or float, received int32"),
        ({"images": IMAGES, "labels": LABELS / 2}, r"labels as integers.*received float64"),
        ({"images": IMAGES, "labels": LABELS - 1}, r"integers from 0 up.*such as"),
        ({"images": IMAGES, "labels": LABELS * 2}, "3 different values up to 4"),
        ({"images": IMAGES, "labels": LABELS * 0}, "at least two; received 1 different"),
        ({"images": IMAGES / 100 - 1, "labels": LABELS}, r"0\.\.255, received -1 to 1.55"),
        ({"images": IMAGES * np.nan, "labels": LABELS}, "received nan to nan"),
        ({"images": IMAGES, "labels": np.array([0] * 59 + [1])}, r"class.*: '1' \(1\)\. Add"),
        ({"images": IMAGES, "labels": np.array([{}] * 60)}, "cannot be read as .npz.*allow_pickle"),
        (divided(x_test=IMAGES[40:, :3]), r"x_train \(40, 4, 5, 3\).*x_test \(20, 3, 5, 3\)"),
        (divided(x_test=IMAGES[40:] / 1.0), "uint8 and x_test .* float32 must agree"),
        (divided(y_test=LABELS[40:] + 1), r"y_test has the class 3, but y_train has 0\.\.2"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_suit_are_refused(tmp_path, arrays, text):
    path = write(tmp_path, **arrays)
    with pytest.raises(PruningError, match=text):
        tfprune.data.load("npz", data_dir=path)


@pytest.mark.parametrize("kept", [0, 10, 2000])
def test_a_damaged_file_is_named_with_its_size(tmp_path, kept):
    path = write(tmp_path, images=IMAGES, labels=LABELS)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(PruningError, match=rf"x.npz \({kept} bytes\) cannot be read as .npz"):
        tfprune.data.load("npz", data_dir=path)


def test_a_changed_byte_is_found(tmp_path):
    path = write(tmp_path, images=IMAGES, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(PruningError, match="cannot be read as .npz.*CRC"):
        tfprune.data.load("npz", data_dir=path)


def test_a_bare_array_is_no_npz(tmp_path):
    np.save(tmp_path / "x.npy", IMAGES)
    with pytest.raises(PruningError, match="it holds one bare array"):
        tfprune.data.load("npz", data_dir=tmp_path / "x.npy")


def test_the_file_must_be_one(tmp_path):
    with pytest.raises(PruningError, match="needs data_dir, the .npz file; received None"):
        tfprune.data.load("npz")
    with pytest.raises(PruningError, match=r"received .*\(no .npz file in it\)"):
        tfprune.data.load("npz", data_dir=tmp_path)
    with pytest.raises(PruningError, match=r"no such file"):
        tfprune.data.load("npz", data_dir=tmp_path / "y.npz")
    for name in "ab":
        np.savez(tmp_path / name, images=IMAGES)
    with pytest.raises(PruningError, match=r"exactly one, received .*\(a.npz, b.npz\)"):
        tfprune.data.load("npz", data_dir=tmp_path)
