"""Keep masks survive writing, and damage is named."""

import json

import numpy as np
import pytest

from tfprune.errors import PruningError
from tfprune.runs import load_masks, save_masks

KEEP = {"stem": np.array([True, False, True]), "block/conv": np.array([False, True])}


def test_a_layer_may_be_called_as_an_argument_of_numpy(tmp_path):
    keep = {"file": np.array([True, False]), "allow_pickle": np.array([True])}
    save_masks(tmp_path, keep)
    assert {name: mask.tolist() for name, mask in load_masks(tmp_path / "masks.npz").items()} == {
        "file": [True, False], "allow_pickle": [True],
    }  # fmt: skip


def test_masks_are_read_back_from_both_files(tmp_path):
    save_masks(tmp_path, KEEP)
    loaded = load_masks(tmp_path / "masks.npz")
    assert list(loaded) == list(KEEP)
    for name, mask in KEEP.items():
        assert loaded[name].dtype == bool
        np.testing.assert_array_equal(loaded[name], mask)
    text = (tmp_path / "masks.json").read_text()
    assert json.loads(text) == {name: mask.tolist() for name, mask in KEEP.items()}
    assert len(text.splitlines()) == 2 + len(KEEP)


def test_masks_of_another_shape_are_named(tmp_path):
    save_masks(tmp_path, {"conv": np.ones((2, 2), bool)})
    with pytest.raises(PruningError, match=r"masks.npz are damaged: .*\(2, 2\) for 'conv'"):
        load_masks(tmp_path / "masks.npz")


@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_damaged_masks_are_named(tmp_path, damage):
    path = tmp_path / "masks.npz"
    save_masks(tmp_path, KEEP)
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"" if damage == "empty" else whole[: len(whole) // 2])
    with pytest.raises(PruningError, match=r"masks\.npz cannot be read.*Prune again"):
        load_masks(path)
