"""Progress: plain lines with the time left, a bar on a terminal, nothing for what is quick."""

import io
import time

import numpy as np
import pytest
from absl import logging

import tfprune
from flags.progress import Progress
from tests.runs.test_stages import small
from tfprune.passes.progress import tell, telling


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def told():
    """Scripts tell as much as this unless --verbosity says otherwise; pytest less."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.INFO)
    yield
    logging.set_verbosity(before)


@pytest.fixture
def lines(monkeypatch):
    found = []
    monkeypatch.setattr(logging, "info", lambda text, *values: found.append(text % values))
    return found


def test_lines_come_after_two_seconds_and_then_every_ten(lines):
    now = [0.0]
    told = Progress("Scoring", total=40, stream=io.StringIO(), clock=lambda: now[0])
    for second in range(1, 40):
        now[0] = float(second)
        told.hear("samples", second, None)
    assert lines == [f"Scoring: {n} of 40 samples, about {40 - n} s left" for n in (2, 12, 22, 32)]


def test_a_pass_that_tells_how_long_it_takes_is_believed(lines):
    now = [0.0]
    told = Progress("Scoring", stream=io.StringIO(), clock=lambda: now[0])
    now[0] = 5.0
    told.hear("images", 3, 9, 77.0)
    assert lines == ["Scoring: 3 of 9 images, about 77 s left"]


def test_what_is_quick_says_nothing_and_a_new_pass_begins_anew(lines):
    now = [0.0]
    told = Progress("Scoring", stream=io.StringIO(), clock=lambda: now[0])
    for _ in range(5):  # passes of a second each
        now[0] += 1
        told.hear("samples", 10, None)
    assert lines == []


def test_a_terminal_shows_a_bar_with_the_time_left(monkeypatch):
    monkeypatch.setattr("tfprune.passes.bars.DELAY", 0)
    stream = Terminal()
    told = Progress("Scoring", total=4, stream=stream)
    for done in (1, 2, 4):
        told.hear("samples", done, None)
    assert "Scoring" in stream.getvalue()
    assert "/4" in stream.getvalue()
    assert "<" in stream.getvalue()  # tqdm writes 00:01<00:03


def test_a_step_of_passes_keeps_its_own_count(lines):
    now = [0.0]
    told = Progress("Pruning", stream=io.StringIO(), clock=lambda: now[0])
    told.hear("sets", 0, 4)
    for done in range(1, 5):
        for sample in range(1, 4):
            now[0] += 2
            told.hear("samples", sample, 3)
        told.hear("sets", done, 4)
    assert [line for line in lines if "sets" in line] == [
        "Pruning: 1 of 4 sets, about 18 s left",
        "Pruning: 3 of 4 sets, about 6 s left",
    ]


def test_what_is_long_and_cannot_tell_is_told_of_again(lines):
    now = [0.0]
    told = Progress("Exporting", stream=io.StringIO(), clock=lambda: now[0])
    told.hear("formats", 0, 2)
    told.hear("samples", 3, None)  # a pass of unknown length may have ended
    for second in (1, 3, 13):
        now[0] = float(second)
        told.draw()
    now[0] = 14.0
    told.hear("formats", 1, 2)
    now[0] = 23.0
    told.draw()
    told.hear("formats", 2, 2)
    now[0] = 99.0
    told.draw()
    assert lines == [
        "Exporting: 0 of 2 formats", "Exporting: 0 of 2 formats",
        "Exporting: 1 of 2 formats, about 5 s left", "Exporting: 99 s so far",
    ]  # fmt: skip


def test_what_tells_nothing_is_told_of_as_it_takes_its_time(lines):
    now = [0.0]
    told = Progress("Reporting", stream=io.StringIO(), clock=lambda: now[0])
    for second in range(30):
        now[0] = float(second)
        if second == 20:
            told.hear("rounds", 0, 9)
        if second == 21:
            told.hear("rounds", 9, 9)
        told.draw()
    assert lines == ["Reporting: 2 s so far", "Reporting: 12 s so far"]


def test_a_terminal_shows_how_long_it_takes_until_more_is_told(monkeypatch):
    monkeypatch.setattr("flags.progress_lines.DELAY", 0)
    monkeypatch.setattr("flags.progress._TICK", 0.01)
    stream = Terminal()
    with Progress("Reporting", stream=stream):
        for _ in range(3000):
            if stream.getvalue().count("Reporting: ") > 1:
                break
            time.sleep(0.01)
        tell(0, 2, "rounds")
        shown = stream.getvalue()
        time.sleep(0.05)
        assert stream.getvalue().count("Reporting: ") == shown.count("Reporting: ") > 1
    assert stream.getvalue().endswith("\r")  # the line is gone


def test_the_longer_a_step_takes_the_fewer_lines_tell_of_it(lines):
    now = [0.0]
    told = Progress("Sweeping", stream=io.StringIO(), clock=lambda: now[0])
    told.hear("runs", 0, 2)
    for second in range(3600):
        now[0] = float(second)
        told.draw()
    assert 60 < len(lines) < 100  # 360 of every ten seconds


def test_a_bar_is_drawn_again_as_time_goes_by(monkeypatch):
    monkeypatch.setattr("tfprune.passes.bars.DELAY", 0)
    monkeypatch.setattr("flags.progress._TICK", 0.01)
    stream = Terminal()
    with Progress("Exporting", stream=stream):
        tell(0, 2, "formats")
        for _ in range(300):
            if stream.getvalue().count("0/2") > 2:
                break
            time.sleep(0.01)
    assert stream.getvalue().count("Exporting, formats:   0%") > 2
    ended = stream.getvalue()
    time.sleep(0.05)
    assert stream.getvalue() == ended  # the bar and what drew it are gone


def test_a_listener_around_hears_what_a_score_within_reads():
    told = []
    with telling(lambda *values: told.append(values)):
        graph = tfprune.analyse(small())
        tell(3, 9)
        tfprune.score(graph, "taylor", (np.ones((4, 2)), np.zeros(4, int)))
    assert told[0] == (3, 9, None)
    assert told[-1][0] == 4


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_a_quiet_run_says_nothing(lines, stream):
    logging.set_verbosity(logging.WARNING)
    now = [0.0]
    told = Progress("Scoring", total=40, stream=stream, clock=lambda: now[0])
    for second in range(1, 40):
        now[0] = float(second)
        told.hear("samples", second, None)
    assert lines == []
    assert stream.getvalue() == ""
