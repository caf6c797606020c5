"""TensorFlow's notes on the machine stay away, all else that libraries write does not."""

import os
import re
import subprocess
import sys

import pytest

from flags import help_pages
from tfprune import quiet

NOISY = """
import os
import re
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called ...\\n")
os.write(2, b"I0000 00:00:17.6 1 port.cc:153] oneDNN custom operations are on.\\n")
os.write(2, b"W0000 00:00:17.6 1 gpu.cc:1] something is wrong\\n")
os.write(2, b"To enable the following instructions: AVX2, rebuild TensorFlow.\\n")
"""


def test_notes_are_left_out_and_warnings_are_passed_on(tmp_path, monkeypatch, capfd):
    (tmp_path / "noisy_library.py").write_text(NOISY)
    monkeypatch.syspath_prepend(tmp_path)
    quiet.start("noisy_library")
    os.write(2, b"afterwards\n")
    told = capfd.readouterr().err
    assert told == "W0000 00:00:17.6 1 gpu.cc:1] something is wrong\nafterwards\n"


def test_the_output_is_back_after_a_failure(tmp_path, monkeypatch, capfd):
    (tmp_path / "broken_library.py").write_text(NOISY + "raise ImportError('no such thing')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="no such thing"):
        quiet.start("broken_library")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err.endswith("afterwards\n")


def run(program):
    alone = {name: x for name, x in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(  # noqa: S603 - a program of this file
        [sys.executable, "-c", program], cwd=help_pages.ROOT, env=alone,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_script_starts_in_silence():
    done = subprocess.run(
        [sys.executable, "evaluate.py", "--data=digits"],
        cwd=help_pages.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (line,) = done.stderr.splitlines()
    assert line.startswith("evaluate.py: --model is missing")


def test_nothing_is_left_out_where_the_user_wants_all(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    (tmp_path / "told_library.py").write_text(NOISY)
    monkeypatch.syspath_prepend(tmp_path)
    quiet.start("told_library")
    assert "oneDNN custom operations" in capfd.readouterr().err


def test_what_is_left_out_twice_over_and_what_is_not(capfd):
    ours, theirs = (re.compile(rb"%s: .*\n" % name) for name in (b"ours", b"theirs"))
    with quiet.left_out(ours), quiet.left_out(theirs):
        os.write(2, b"theirs: 1\nours: 1\nan error\n")
        os.write(2, b"ours: 2\nno end")
    assert capfd.readouterr().err == "an error\nno end"


def test_a_process_without_error_output_is_left_alone():
    program = (
        "import os, re; os.close(2); from tfprune import quiet\n"
        "with quiet.left_out(re.compile(b'x')): print('done')"
    )
    done = run(program)
    assert (done.returncode, done.stdout) == (0, "done\n")


IN_PYTHON = """
import numpy as np, tempfile
from tfprune import quiet
quiet.start()
import keras, tfprune
x = keras.Input((8,), name="x")
model = keras.Model(x, keras.layers.Dense(4, name="head")(x))
samples = [np.random.default_rng(0).normal(size=(64, 8)).astype("float32")]
formats = ["tflite", "tflite_int8"]
tfprune.export(model, tempfile.mkdtemp(), formats=formats, representative=samples, inputs=samples)
"""


def test_a_program_that_asks_for_it_starts_and_exports_in_silence():
    done = run(IN_PYTHON)
    assert (done.returncode, done.stderr) == (0, "")
