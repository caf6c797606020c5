"""TensorFlow's notes on the machine stay away, all else that libraries write does not."""

import os
import subprocess
import sys

import pytest

from flags import help_pages, quiet

NOISY = """
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called ...\\n")
os.write(2, b"I0000 00:00:17.6 1 port.cc:153] oneDNN custom operations are on.\\n")
os.write(2, b"W0000 00:00:17.6 1 gpu.cc:1] something is wrong\\n")
os.write(2, b"To enable the following instructions: AVX2, rebuild TensorFlow.\\n")
"""


def test_notes_are_left_out_and_warnings_are_passed_on(tmp_path, monkeypatch, capfd):
    (tmp_path / "noisy_library.py").write_text(NOISY)
    monkeypatch.syspath_prepend(tmp_path)
    quiet.load("noisy_library")
    os.write(2, b"afterwards\n")
    told = capfd.readouterr().err
    assert told == "W0000 00:00:17.6 1 gpu.cc:1] something is wrong\nafterwards\n"


def test_the_output_is_back_after_a_failure(tmp_path, monkeypatch, capfd):
    (tmp_path / "broken_library.py").write_text(NOISY + "raise ImportError('no such thing')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="no such thing"):
        quiet.load("broken_library")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err.endswith("afterwards\n")


def test_a_script_starts_in_silence():
    done = subprocess.run(
        [sys.executable, "evaluate.py", "--data=digits"],
        cwd=help_pages.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (line,) = done.stderr.splitlines()
    assert line.startswith("evaluate.py: --model is missing")
