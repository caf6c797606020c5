"""The commands of docs/serving.md run as they are printed, but for those that ask a server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tfprune.exporting import read_metadata

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text()
SERVER = ("docker run", "client.py --name", "curl ")  # what needs one


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


@pytest.mark.slow
def test_the_commands_run_as_printed(baseline, pruned, tmp_path, monkeypatch, capsys):
    for path in ROOT.iterdir():
        if path.suffix == ".py" or path.name in ("tfprune", "models", "flags"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "runs" / "main").mkdir(parents=True)
    (tmp_path / "runs" / "main" / "trained").symlink_to(baseline)
    (tmp_path / "runs" / "main" / "pruned").symlink_to(pruned)
    own = [block for block in blocks("bash") if not any(word in block for word in SERVER)]
    assert len(own) == 2
    # One epoch of training is not much to agree on; how it is judged has tests of its own.
    own = [block.replace("--data digits", "--data digits --min_agreement=0") for block in own]
    found = {**os.environ, "PYTHONPATH": str(tmp_path)}
    found["PATH"] = f"{Path(sys.executable).parent}:{found['PATH']}"
    for block in own:
        done = subprocess.run(  # noqa: S603 - our own page
            ["/bin/bash", "-ec", block], cwd=tmp_path, env=found, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
    report = (tmp_path / "runs" / "int8" / "report.txt").read_text()
    assert "pruned, tflite_int8" in report
    assert read_metadata(tmp_path / "runs/main/int8/model_int8.tflite")["method"] == "gfbs"
    assert keras.models.load_model(tmp_path / "runs" / "int8" / "resnet20.keras").count_params()
    monkeypatch.chdir(tmp_path)
    (program,) = blocks("python")
    exec(program, {})  # noqa: S102 - our own page
    assert capsys.readouterr().out.startswith("gfbs {'ratio': 0.5} ['0', '1'")


def test_the_page_lists_the_folder_as_it_is(pruned):
    tree = re.search(r"^```\nexport/\n(.*?)^```", PAGE, re.M | re.S)[1]
    for line in tree.splitlines():
        for word in filter(None, re.match(r" +(\S+)(?:  (\S+))?", line).groups()):
            assert list((pruned / "export").rglob(Path(word).name)), word
