"""Who may write into a folder."""

import pytest

from tfprune.errors import PruningError
from tfprune.runs.run_folder import REPORT, SETTINGS, claim

MINE = "--arch=vgg16\n--epochs=2\n"
OTHER = "--arch=vgg16\n--epochs=3\n"


def finish(folder):
    (folder / REPORT).write_text('{"title": "done"}')


def test_a_run_is_new_then_unfinished_then_finished(tmp_path):
    folder = tmp_path / "deep" / "run"
    assert claim(folder, MINE) == "new"
    assert (folder / SETTINGS).read_text() == MINE
    assert claim(folder, MINE) == "unfinished"
    finish(folder)
    assert claim(folder, MINE) == "finished"


def test_a_run_that_did_nothing_makes_way(tmp_path):
    claim(tmp_path, MINE)
    assert claim(tmp_path, OTHER) == "new"
    assert (tmp_path / SETTINGS).read_text() == OTHER
    kept = tmp_path / "scoring" / "portion.npz"  # by a method that scores for long, then refused
    kept.parent.mkdir()
    kept.touch()
    assert claim(tmp_path, MINE) == "new"
    assert kept.exists()
    assert (tmp_path / SETTINGS).read_text() == MINE


def test_another_run_is_refused_with_the_settings_that_differ(tmp_path):
    claim(tmp_path, MINE)
    (tmp_path / "masks.npz").write_text("")
    with pytest.raises(
        PruningError, match=r"another run, which differs in --epochs: '2' there, '3' now"
    ):
        claim(tmp_path, OTHER)
    with pytest.raises(PruningError, match=r"'2' there, None now.*--save_dir.*--overwrite"):
        claim(tmp_path, "--arch=vgg16\n")
    assert (tmp_path / SETTINGS).read_text() == MINE


def test_overwriting_removes_results_and_nothing_else(tmp_path):
    claim(tmp_path, MINE)
    finish(tmp_path)
    (tmp_path / "vgg16.keras").write_text("model")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "1").write_text("weights")
    (tmp_path / "notes.txt").write_text("the user's")
    assert claim(tmp_path, OTHER, overwrite=True) == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == [SETTINGS, "notes.txt"]
    assert claim(tmp_path, OTHER) == "unfinished"


def test_overwriting_begins_a_finished_run_again(tmp_path):
    claim(tmp_path, MINE)
    finish(tmp_path)
    assert claim(tmp_path, MINE, overwrite=True) == "new"
    assert not (tmp_path / REPORT).exists()


def test_files_of_other_origin_are_refused_and_survive_overwriting(tmp_path):
    (tmp_path / "thesis.keras").write_text("mine")
    with pytest.raises(PruningError, match=r"files that are no run of tfprune: thesis\.keras"):
        claim(tmp_path, MINE)
    assert claim(tmp_path, MINE, overwrite=True) == "new"
    assert (tmp_path / "thesis.keras").read_text() == "mine"


def test_an_unfinished_run_can_be_begun_again(tmp_path):
    claim(tmp_path, MINE)
    (tmp_path / "checkpoints").mkdir()
    assert claim(tmp_path, MINE, resume=False) == "new"
    assert not (tmp_path / "checkpoints").exists()


def test_what_a_killed_writer_left_holds_nobody_back(tmp_path):
    (tmp_path / ".flags.0123abcd.partial.cfg").write_text("--epo")
    assert claim(tmp_path, "--epochs=2") == "new"
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / ".trained.0123abcd.partial.keras").write_text("half")
    assert claim(tmp_path, "--epochs=2") == "unfinished"
    assert {path.name for path in tmp_path.rglob("*")} == {"flags.cfg", "stages"}


@pytest.mark.parametrize("name", [SETTINGS, REPORT])
def test_a_damaged_file_of_the_run_says_what_to_do(tmp_path, name):
    claim(tmp_path, MINE)
    finish(tmp_path)
    (tmp_path / name).write_bytes(b"--arch=\xff\xfe")
    with pytest.raises(PruningError, match=rf"{name} is damaged: .*0xff at place 7. Pass --overwr"):
        claim(tmp_path, MINE)
    assert claim(tmp_path, MINE, overwrite=True) == "new"


def test_a_truncated_report_says_so(tmp_path):
    claim(tmp_path, MINE)
    (tmp_path / REPORT).write_text('{"title": ')
    with pytest.raises(
        PruningError, match=r"report\.json is damaged: expected JSON, .*--overwrite"
    ):
        claim(tmp_path, MINE)


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PruningError, match=r"is a file: .*file\. "):
        claim(tmp_path / "file" / "run", "--epochs=2")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(PruningError, match=r"run is a file"):
        claim(tmp_path / "run", MINE)
