"""Progress: plain lines with the time left, a bar on a terminal, nothing for what is quick."""

import io
import time

import keras
import numpy as np
import pytest
from absl import logging

import tfprune
from flags import training_progress
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


def test_no_time_left_is_told_where_the_pace_has_deceived(lines):
    now = [1.0]
    told = Progress("Pruning", stream=io.StringIO(), clock=lambda: now[0])
    told.hear("stages", 0, 5)
    now[0] = 2.0
    told.hear("stages", 4, 5)  # which takes longer than those before
    for second in (4, 15):
        now[0] = float(second)
        told.draw()
    assert lines == ["Pruning: 4 of 5 stages", "Pruning: 4 of 5 stages"]


def test_a_training_tells_of_its_steps_at_the_pace_of_those_behind_the_first(lines):
    now = [0.0]
    progress = Progress("Training", stream=io.StringIO(), clock=lambda: now[0])
    steps = training_progress._Steps(progress, clock=lambda: now[0])
    steps.set_params({"steps": 10, "epochs": 4})
    steps.on_epoch_begin(2)  # it goes on from there
    now[0] = 100.0  # the first is traced
    steps.on_train_batch_end(0)
    for batch in range(1, 10):
        now[0] += 3
        steps.on_train_batch_end(batch)
    assert lines == [
        "Training: 22 of 40 steps, about 54 s left", "Training: 26 of 40 steps, about 42 s left",
    ]  # fmt: skip


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_a_training_is_told_of_from_before_its_first_step(monkeypatch, lines, verbose):
    monkeypatch.setattr("flags.progress_lines.DELAY", 0)
    monkeypatch.setattr("flags.progress._TICK", 0.01)
    monkeypatch.setattr("flags.strategy.verbose", lambda: verbose)
    stream = Terminal() if verbose == 1 else io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)

    class Slow(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            shown.append(stream.getvalue())
            time.sleep(0.1)

    shown = []
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with training_progress.told("Training") as callbacks:
        time.sleep(0.2)
        data = np.eye(2), np.arange(2)
        tfprune.fine_tune(model, data, epochs=3, callbacks=[*callbacks, Slow()], verbose=0)
    assert any("s so far" in line for line in lines) == (verbose == 2)
    assert any("Training: 2 of 3 steps" in line for line in lines) == (verbose == 2)
    assert ("Training: 00:00" in stream.getvalue()) == (verbose == 1)
    assert shown[0] == shown[-1]  # Keras' own bar goes on alone


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
