"""Files: whole or not at all, and errors that name the file."""

import errno
import json
import os
import resource
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune import files
from tfprune.errors import PruningError


def small_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Dense(2, name="d")(inputs))


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_atomic_path_renames_what_was_written(tmp_path):
    target = tmp_path / "new" / "note.txt"
    with files.atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
        assert not target.exists()
        number = temporary.stat().st_ino
    assert target.stat().st_ino == number  # renamed: a copy could be seen half done
    assert target.read_text() == "whole"
    assert listed(target.parent) == ["note.txt"]


@pytest.mark.parametrize("folder", [False, True])
def test_atomic_path_leaves_the_old_and_no_half_when_the_block_raises(tmp_path, folder):
    target = tmp_path / "result"
    if folder:
        target.mkdir()
        (target / "old").write_text("old")
    else:
        target.write_text("old")

    def interrupted():
        with files.atomic_path(target) as temporary:
            if folder:
                temporary.mkdir()
                (temporary / "half").write_text("half")
            else:
                temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert listed(tmp_path) == ["result"]
    assert (target / "old" if folder else target).read_text() == "old"


def test_atomic_path_replaces_a_filled_folder(tmp_path):
    target = tmp_path / "result"
    target.mkdir()
    (target / "old").write_text("old")
    with files.atomic_path(target) as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("new")
    assert listed(tmp_path) == ["result"]
    assert listed(target) == ["new"]


def test_atomic_path_refuses_a_block_that_wrote_nothing(tmp_path):
    with (
        pytest.raises(PruningError, match=r"Nothing was written for .*a\.txt"),
        files.atomic_path(tmp_path / "a.txt"),
    ):
        pass


def test_leftovers_of_killed_writers_are_swept_and_nothing_else(tmp_path):
    deep = tmp_path / "stages"
    (deep / ".export.0123abcd.partial").mkdir(parents=True)
    (deep / ".export.0123abcd.partial" / "half").write_text("half")
    (tmp_path / ".report.0123abcd.partial.json").write_text("half")
    (tmp_path / f".model.{os.getpid()}-0123abcd.partial.keras").write_text("of an earlier life")
    others = {".notes.partial.txt", ".a.0123abc.partial", f".b.{os.getppid()}-0123abcd.partial"}
    for name in others:  # a user's, an odd one, and one that a living process is writing
        (tmp_path / name).write_text("mine")
    with files.atomic_path(tmp_path / "now.txt") as temporary:
        temporary.write_text("now")
        files.sweep(tmp_path)
        assert temporary.exists()
    assert listed(tmp_path) == sorted({*others, "now.txt", "stages"})
    assert listed(deep) == []


def test_what_stepped_aside_before_a_kill_gets_its_name_back(tmp_path):
    aside = tmp_path / ".1.0123abcd.partial.old"
    aside.mkdir()
    (aside / "saved_model.pb").write_text("old")
    files.sweep(tmp_path)
    assert listed(tmp_path) == ["1"]
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EACCES])
def test_errors_of_the_system_say_what_to_do(tmp_path, number):
    def write():
        with files.atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise OSError(number, os.strerror(number), "within")

    with pytest.raises(
        PruningError, match=rf"a\.txt cannot be written: {os.strerror(number)}\. \w+"
    ):
        write()
    assert listed(tmp_path) == []


def test_tensorflow_s_reports_of_the_system_are_known_by_their_text():
    def full():
        with files.explaining("ckpt", "written"):
            raise tf.errors.ResourceExhaustedError(None, None, "ckpt.data; No space left on device")

    def other():
        with files.explaining("ckpt", "written"):
            raise tf.errors.InvalidArgumentError(None, None, "shapes differ")

    with pytest.raises(PruningError, match=r"ckpt cannot be written: No space .* Make room"):
        full()
    with pytest.raises(tf.errors.InvalidArgumentError, match="shapes differ"):
        other()


def test_a_limit_of_the_file_size_leaves_no_half_model(tmp_path):
    model = small_model()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(PruningError, match=r"m\.keras cannot be written: .*ulimit -f"):
            files.save_model(model, tmp_path / "m.keras")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert listed(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"\xff",
            "is damaged: expected UTF-8 text, received the byte 0xff at place 0. Call again.",
        ),
        (b"{", "is damaged: expected JSON, received JSONDecodeError.*Call again."),
        (b"[1]", "is damaged: expected a JSON object, received .1.. Call again."),
        (b"[" * 100_000, "is damaged: expected JSON, received RecursionError.*Call again."),
    ],
)
def test_damaged_text_says_so(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(PruningError, match=message):
        files.read_json(tmp_path / "a.json", "Call again.")


def test_a_model_of_keras_2_s_format_is_read(tmp_path):
    model = small_model()
    model.save(tmp_path / "m.h5")
    again = files.load_model(tmp_path / "m.h5")
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_h5_that_keras_cannot_read_is_explained(tmp_path):
    small_model().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        config = file.attrs["model_config"]
        config = config.decode() if isinstance(config, bytes) else config
        file.attrs["model_config"] = config.replace('"units"', '"breadth"')
        file.attrs["keras_version"] = "2.4.0"
    with pytest.raises(
        PruningError, match=r"m\.h5 was written by Keras 2\.4\.0 and Keras 3.* cannot"
    ):
        files.load_model(tmp_path / "m.h5")
    small_model().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(PruningError, match=r"w\.weights\.h5 holds weights only.*load_weights"):
        files.load_model(tmp_path / "w.weights.h5")
    (tmp_path / "text.h5").write_text("no model")
    with pytest.raises(PruningError, match=r"text\.h5 \(8 bytes\) .*truncated or no \.h5 file"):
        files.load_model(tmp_path / "text.h5")


def test_write_json_is_read_back(tmp_path):
    files.write_json(tmp_path / "a.json", {"a": [1, 2]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, 2]}


def test_a_saved_model_loads_equal(tmp_path):
    model = small_model()
    files.save_model(model, tmp_path / "m.keras")
    x = np.ones((3, 4), "float32")
    np.testing.assert_array_equal(files.load_model(tmp_path / "m.keras")(x), model(x))
    assert listed(tmp_path) == ["m.keras"]


@pytest.mark.parametrize("name", ["m.pt", "m"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(PruningError, match=rf"must end in \.keras, received .*{name}"):
        files.save_model(small_model(), tmp_path / name)
    with pytest.raises(PruningError, match=r"must end in \.keras"):
        files.load_model(tmp_path / name)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(PruningError, match=r"no model file .*missing\.keras"):
        files.load_model(tmp_path / "missing.keras")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PruningError, match=r"file.sub cannot be made a folder: Not a directory"):
        files.write_text(tmp_path / "file" / "sub" / "note.txt", "text")
    assert listed(tmp_path) == ["file"]


@pytest.mark.parametrize("left", [0, 100, -200])
def test_a_cut_model_file_is_named_with_its_size(tmp_path, left):
    path = tmp_path / "m.keras"
    files.save_model(small_model(), path)
    path.write_bytes(path.read_bytes()[:left])
    size = path.stat().st_size
    with pytest.raises(PruningError, match=rf"m\.keras \({size} bytes\) .*: it is truncated"):
        files.load_model(path)


def test_a_model_file_that_inflates_to_gigabytes_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        with archive.open("model.weights.h5", "w") as entry:
            for _ in range(300):
                entry.write(bytes(2**20))
    text = r"bomb\.keras is refused: its \d+ bytes would become 314572802.*model\.save\(\)"
    with pytest.raises(PruningError, match=text):
        files.load_model(path)


@pytest.mark.parametrize(
    ("path", "match"),
    [("a\0b", "is no path: expected UTF-8"), ("\udcff", "is no path"), ("x" * 5000, "too long")],
    ids=["NUL", "not UTF-8", "too long"],
)
def test_what_is_no_path_is_refused_wherever_one_is_given(path, match):
    with pytest.raises(PruningError, match=match):
        files.load_model(f"{path}.keras")
    with pytest.raises(PruningError, match=match):
        files.read_text(path, "Write it again.")
    with pytest.raises(PruningError, match=match):
        files.claim(path, {}, name="run.json", what="training")


@pytest.mark.parametrize("damage", ["not an array", "a length beyond all", "its compression"])
def test_damaged_arrays_are_named(tmp_path, damage):
    path = tmp_path / "a.npz"
    files.write_arrays(path, {"a": np.arange(1000)})
    if damage == "its compression":
        told = bytearray(path.read_bytes())
        told[60:90] = b"\xff" * 30
        path.write_bytes(told)
    else:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 99999999999999999999)}"
        text = b"\x93NUMPY\2\0" + len(header).to_bytes(4, "little") + header
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", b"nothing" if damage == "not an array" else text)
    with pytest.raises(PruningError, match=r"arrays .*a.npz cannot be read.*Write it again"):
        files.read_arrays(path, "Write it again.")
