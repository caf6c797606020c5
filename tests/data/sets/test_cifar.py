import dataclasses
import pickle

import numpy as np
import pytest

import tfprune.data
from tfprune.data.sets import _cifar, _pickles, _prepared, cifar10, cifar100
from tfprune.errors import PruningError

ROWS = 20
SMALL = {
    layout.name: dataclasses.replace(
        layout, train=dict.fromkeys(layout.train, ROWS), test=dict.fromkeys(layout.test, ROWS)
    )
    for layout in (cifar10.LAYOUT, cifar100.LAYOUT)
}


def dump(content):
    """As numpy 1 under Python 2 wrote them: old module names, byte strings as keys."""
    new = pickle.dumps(content, protocol=3)
    return new.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def write(folder, layout, classes=10):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for file in (*layout.train, *layout.test):
        data = rng.integers(0, 256, (ROWS, 3072)).astype("uint8")
        labels = [int(label) for label in np.arange(ROWS) % classes]
        (folder / file).write_bytes(dump({b"data": data, layout.label_key: labels}))
    names = [f"class {number}".encode() for number in range(classes)]
    (folder / layout.meta).write_bytes(dump({layout.names_key: names}))
    return folder


@pytest.fixture
def batches(tmp_path):
    return write(tmp_path / "cifar-10-batches-py", SMALL["cifar10"])


def load(data_dir, name="cifar10", size=20):
    return _cifar.load(SMALL[name], data_dir, 0, size)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_python_version_is_found_in_the_folder_or_above_it(tmp_path, name):
    folder = write(tmp_path / SMALL[name].folder, SMALL[name])
    for data_dir in (tmp_path, folder, str(folder)):
        data = load(data_dir, name, 10)
        files = len(SMALL[name].train)
        assert (len(data.train), len(data.validation), len(data.test)) == (
            files * ROWS - 10, 10, ROWS)  # fmt: skip
        assert data.class_names[3] == "class 3"
        assert (data.input_shape, data.augment) == ((32, 32, 3), "crop_flip")


def test_planes_of_colour_become_pictures(batches):
    raw = _cifar.read_pickles(batches, SMALL["cifar10"])
    row = pickle.loads((batches / "test_batch").read_bytes())[b"data"][4]  # noqa: S301 - our own
    for y, x, c in [(0, 0, 0), (3, 7, 1), (31, 30, 2)]:
        assert raw.test_images[4, y, x, c] == row[c * 1024 + y * 32 + x]


def test_the_files_are_of_the_published_sizes():
    assert sum(cifar10.LAYOUT.train.values()) == 50_000 == sum(cifar100.LAYOUT.train.values())
    assert sum(cifar10.LAYOUT.test.values()) == 10_000 == sum(cifar100.LAYOUT.test.values())


def test_a_missing_file_is_named(batches):
    (batches / "data_batch_3").unlink()
    with pytest.raises(PruningError, match=r"data_batch_3 is missing.*unpack it again"):
        load(batches)


@pytest.mark.parametrize("kept", [0, 1000, 20_000])
def test_a_truncated_file_is_named_with_its_size(batches, kept):
    path = batches / "data_batch_2"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(PruningError, match=rf"data_batch_2 \({kept} bytes\) cannot be read"):
        load(batches)


def test_a_file_with_too_few_pictures_says_what_was_expected(batches):
    content = {b"data": np.zeros((3, 3072), "uint8"), b"labels": [1, 2, 3]}
    (batches / "test_batch").write_bytes(dump(content))
    with pytest.raises(
        PruningError, match=r"test_batch .*images \(3, 3072\).*expected \(20, 3072\)"
    ):
        load(batches)


class Malicious:
    def __reduce__(self):
        return print, ("run",)


def test_a_pickle_cannot_run_anything(batches, capsys):
    (batches / "data_batch_1").write_bytes(pickle.dumps({b"data": Malicious()}))
    with pytest.raises(PruningError, match=r"asks for builtins.print, which no CIFAR file needs"):
        load(batches)
    assert capsys.readouterr().out == ""


def test_a_pickle_of_something_else_is_refused(batches):
    (batches / "batches.meta").write_bytes(pickle.dumps([1]))
    with pytest.raises(PruningError, match=r"batches.meta holds a list, expected a dictionary"):
        _pickles.read(batches / "batches.meta")


def test_names_that_are_missing_say_so(batches):
    (batches / "batches.meta").write_bytes(dump({b"other": 1}))
    with pytest.raises(PruningError, match=r"batches.meta .*label_names"):
        load(batches)


def test_nothing_found_lists_every_place(tmp_path, monkeypatch):
    def fail(name, root, *, download):
        assert download
        raise OSError("no network")

    monkeypatch.setattr(_prepared, "read", fail)
    with pytest.raises(PruningError) as caught:
        load(tmp_path)
    text = str(caught.value)
    for place in (tmp_path, tmp_path / "cifar-10-batches-py", tmp_path / "cifar10"):
        assert str(place) in text
    assert "OSError: no network" in text
    assert "Give data_dir" in text


def test_a_prepared_folder_comes_before_a_download(tmp_path, monkeypatch):
    (tmp_path / "cifar10").mkdir()
    called = []

    def read(name, root, *, download):
        called.append((name, root, download))
        return _cifar.read_pickles(write(tmp_path / "else", SMALL["cifar10"]), SMALL["cifar10"])

    monkeypatch.setattr(_prepared, "read", read)
    assert len(load(tmp_path).train) == 80
    assert called == [("cifar10", tmp_path, False)]


def test_without_validation():
    assert tfprune.data.load("digits", validation_size=0).validation is None


DOUBLED = b"\x80\x02)" + b"".join(b"q%c0h%ch%c\x86" % (i, i, i) for i in range(60)) + b"."
HOSTILE = {
    "a tuple twice as long sixty times": (DOUBLED, "repeats a tuple at byte"),
    "a memo of gigabytes": (b"\x80\x02}r\xff\xff\xff\x7f.", "memo index 2147483647"),
    "an array without bytes": (
        b"\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\n)Rs.",
        "expected an array with shape, type and bytes",
    ),
}


@pytest.mark.parametrize(("content", "text"), HOSTILE.values(), ids=HOSTILE)
def test_what_a_pickle_claims_is_checked_before_anything_is_built(tmp_path, content, text):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(PruningError, match=text):
        _pickles.read(tmp_path / "file")


def test_an_array_must_have_as_many_bytes_as_its_shape_says(tmp_path):
    whole = dump({b"data": np.zeros((2, 3), "uint8")})
    (tmp_path / "file").write_bytes(whole.replace(b"K\x02K\x03\x86", b"K\x02K\x7f\x86"))
    with pytest.raises(PruningError, match="expected 254 numbers of uint8, received 6 bytes"):
        _pickles.read(tmp_path / "file")
