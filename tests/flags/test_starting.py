"""A terminal shows what takes the first seconds; nothing of it is left there or in a log."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flags import starting

ROOT = Path(__file__).parents[2]


class Terminal:
    def __init__(self):
        self.text = ""
        self.write = self.add

    def add(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow")


def test_a_terminal_shows_a_line_that_goes_again(fresh):
    terminal = Terminal()
    with starting.told(terminal):
        assert terminal.text == "Loading TensorFlow ..."
    assert re.fullmatch(r"Loading TensorFlow \.\.\.\r {22}\r", terminal.text)


def test_the_line_goes_when_loading_fails(fresh):
    terminal = Terminal()
    with pytest.raises(ImportError), starting.told(terminal):
        raise ImportError
    assert terminal.text.endswith("\r")


def test_nothing_is_shown_of_what_is_loaded_already():
    terminal = Terminal()
    with starting.told(terminal):
        pass
    assert terminal.text == ""


def test_a_program_without_error_output_begins_too(fresh):
    with starting.told(None):
        pass


def test_a_script_shows_it_on_a_real_terminal():
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-c", "import flags"], cwd=ROOT, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while chunk := _read(ours):
        seen += chunk
    os.close(ours)
    assert done.wait() == 0
    assert seen.startswith(b"Loading TensorFlow ...\r")
    assert seen.endswith(b"\r")


def _read(descriptor):
    try:
        return os.read(descriptor, 1000)
    except OSError:  # Linux: nobody writes any more
        return b""
