"""Presets are found by their name from everywhere."""

import pytest

from flags import flag_files
from tfprune.errors import PruningError

PRESET = str(flag_files.PRESETS / "digits_prune.cfg")


@pytest.mark.parametrize(
    "name", ["digits_prune", "digits_prune.cfg", "flags/presets/digits_prune.cfg"]
)
def test_a_preset_is_found_by_its_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert flag_files.found([f"--flagfile={name}", "--seed=1"]) == [
        f"--flagfile={PRESET}", "--seed=1",
    ]  # fmt: skip
    assert flag_files.found(["-flagfile", name, "--seed=1"]) == ["-flagfile", PRESET, "--seed=1"]


def test_a_file_that_is_here_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits_prune.cfg").write_text("--seed=1")
    assert flag_files.found(["--flagfile=digits_prune.cfg"]) == ["--flagfile=digits_prune.cfg"]


def test_an_unknown_one_is_refused_with_the_presets():
    told = r"Unknown flag file 'digit_prune.cfg'. Did you mean 'digits_prune'\?.*gfi_vgg16_prune"
    with pytest.raises(PruningError, match=told):
        flag_files.found(["--flagfile=digit_prune.cfg"])
