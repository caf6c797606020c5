"""What is kept between runs, and when it is refused."""

import numpy as np
import pytest

from tfprune import PruningError
from tfprune.criteria.fmc.cache import Cache


@pytest.mark.parametrize("on_disk", [True, False])
def test_what_was_written_is_read(tmp_path, on_disk):
    cache = Cache(tmp_path / "new" if on_disk else None, {"seed": 1})
    assert cache.read("step1_labels/block/a.npy") is None
    cache.write("step1_labels/block/a.npy", np.arange(3))
    cache.write("b.npz", {"x": np.eye(2), "y": np.arange(2)})
    assert cache.read("step1_labels/block/a.npy").tolist() == [0, 1, 2]
    assert {key: value.shape for key, value in cache.read("b.npz").items()} == {
        "x": (2, 2),
        "y": (2,),
    }


def test_a_cache_of_something_else_is_refused(tmp_path):
    Cache(tmp_path, {"images": "a", "seed": 1})
    Cache(tmp_path, {"seed": 1, "images": "a"})
    with pytest.raises(PruningError, match="another cache, which differs in seed: 1 there, 2 now"):
        Cache(tmp_path, {"images": "a", "seed": 2})
    with pytest.raises(
        PruningError, match="images: 'a' there, 'b' now; model: None there, 'm' now"
    ):
        Cache(tmp_path, {"images": "b", "model": "m", "seed": 1})


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("content", [b"", b"no array"])
def test_a_damaged_file_is_named(tmp_path, name, content):
    cache = Cache(tmp_path, {})
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PruningError, match=f"{name} of the cache cannot be read: .*remove the"):
        cache.read(name)


def damages(whole):
    """A file cut short, and one with a damaged byte, at places all over it."""
    places = range(0, len(whole), 5)
    yield from (whole[:end] for end in places)
    yield from (whole[:i] + bytes([whole[i] ^ 8]) + whole[i + 1 :] for i in places)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_no_damage_to_a_real_file_ends_in_another_error(tmp_path, name):
    cache = Cache(tmp_path, {})
    cache.write(name, np.eye(3) if name == "a.npy" else {"x": np.eye(3), "y": np.arange(2)})
    whole = (tmp_path / name).read_bytes()
    refused = 0
    for content in damages(whole):
        (tmp_path / name).write_bytes(content)
        try:
            cache.read(name)
        except PruningError as error:
            refused += f"{name} of the cache cannot be read" in str(error)
    assert refused > len(whole) // 5
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PruningError, match=f"{name} of the cache cannot be read: .*remove the"):
        cache.read(name)


def test_a_damaged_fingerprint_is_named(tmp_path):
    Cache(tmp_path, {})
    (tmp_path / "made_from.json").write_text("[1")
    with pytest.raises(PruningError, match=r"made_from.json is damaged"):
        Cache(tmp_path, {})


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PruningError, match="cannot be made"):
        Cache(tmp_path / "file", {})
