"""Files: whole or not at all, and errors that name the file."""

import json

import keras
import numpy as np
import pytest

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


def test_write_json_is_read_back(tmp_path):
    files.write_json(tmp_path / "a.json", {"a": [1, 2]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, 2]}


def test_a_saved_model_loads_equal(tmp_path):
    model = small_model()
    files.save_model(model, tmp_path / "m.keras")
    x = np.ones((3, 4), "float32")
    np.testing.assert_array_equal(files.load_model(tmp_path / "m.keras")(x), model(x))
    assert listed(tmp_path) == ["m.keras"]


@pytest.mark.parametrize("name", ["m.h5", "m"])
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
    with pytest.raises(PruningError, match=r"folder .*file.sub cannot be made for note\.txt"):
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
