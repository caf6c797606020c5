"""Messages of the chief, between workers that are threads of one process."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.runs import agree, own_folder
from tfprune.runs.own_folder import require_equal, share


def test_all_hear_what_the_chief_makes_and_it_alone_makes_it(meeting):
    made = []

    def make(number):
        made.append(number)
        return {"state": number}

    assert (
        meeting.run(lambda number: workers.from_chief(lambda: make(number))) == [{"state": 0}] * 3
    )
    assert made == [0]


def test_a_refusal_reaches_all(meeting):
    def refuse():
        raise PruningError("The folder holds another run.")

    found = meeting.run(lambda number: workers.from_chief(refuse))
    assert [str(error) for error in found] == ["The folder holds another run."] * 3


def test_the_chiefs_arrays_are_everybodys_to_the_bit(meeting):
    own = [np.random.default_rng(number).normal(size=(3, 2)) for number in range(3)]
    found = meeting.run(lambda number: workers.agreed(lambda: [own[number], np.arange(number)]))
    for first, second in found:
        np.testing.assert_array_equal(first, own[0])
        assert second.shape == (0,)


def test_long_messages_go_in_parts(meeting, monkeypatch):
    monkeypatch.setattr(workers, "_MOST", 16)
    text = bytes(range(256)) * 3 + b"end"
    assert meeting.run(lambda number: workers.sent(lambda: text)) == [text] * 3


def test_workers_at_different_places_are_told_so_and_end(meeting):
    def work(number):
        return workers.gathered(lambda: b"own") if number else workers.sent(lambda: b"chief's")

    for number, error in enumerate(meeting.run(work)):
        assert isinstance(error, PruningError)
        assert "not at the same place of the program" in str(error)
        assert "Start them all anew" in str(error)
        assert ("b'send'" in str(error), "b'gather'" in str(error)) == (True, True), number


def test_a_length_that_no_message_has_is_refused_before_anything_is_waited_for(
    meeting, monkeypatch
):
    def exchanged(message):
        found = bytearray(meeting.joined(message))
        found[31] = 1  # the highest byte of the second worker's length
        return bytes(found)

    monkeypatch.setattr(workers, "_exchanged", exchanged)
    found = meeting.run(lambda number: workers.gathered(lambda: b"own"))
    assert [re.search(r"worker \d announces \d+ bytes", str(x))[0] for x in found] == [
        f"worker 1 announces {2**56 + 4} bytes"
    ] * 3


@pytest.mark.parametrize("cut", [-4, 4])
def test_messages_of_other_lengths_than_announced_are_refused(meeting, monkeypatch, cut):
    def exchanged(message):
        found = meeting.joined(message)
        return (found + b"\0" * 4)[: len(found) + cut]

    monkeypatch.setattr(workers, "_exchanged", exchanged)
    for ask in (workers.gathered, workers.sent):
        found = meeting.run(lambda number, ask=ask: ask(lambda: b"own"))
        expected = f"3 x 16 bytes were due, {48 + cut} came"
        assert [expected in str(error) for error in found] == [True] * 3


def test_messages_of_any_length_are_joined_by_one_trace():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        for message in (b"", b"word", bytes(range(200))):
            assert workers._exchanged(message) == message
        assert workers._gathering(strategy).experimental_get_tracing_count() == 1


def test_workers_of_several_devices_speak_with_one_voice():
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "launch.py", "--workers=2", "--", sys.executable, "-m",
         "tests.distribution.several_devices", "2"],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    heard = {x["worker"]: x for x in map(json.loads, re.findall("heard (.*)", done.stdout))}
    for worker in range(2):
        assert heard[worker]["replicas"] == [2 * worker, 2 * worker + 1]
        assert heard[worker]["all"] == ["word ", "word word "]
        assert heard[worker]["chief"] == "word "


def test_each_hears_what_all_make_of_any_length(meeting, monkeypatch):
    monkeypatch.setattr(workers, "_MOST", 16)
    own = [b"", bytes(range(100)), b"three"]
    assert meeting.run(lambda number: workers.gathered(lambda: own[number])) == [own] * 3


def test_what_one_worker_refuses_all_do(meeting):
    def make(number):
        if number > 0:
            raise PruningError(f"Worker {number} has NaN.")
        return b"fine"

    found = meeting.run(lambda number: workers.gathered(lambda: make(number)))
    assert [str(error) for error in found] == ["Worker 1 has NaN."] * 3


def test_files_become_the_chiefs(meeting, tmp_path):
    def work(number):
        path = tmp_path / str(number) / "masks.npz"
        path.parent.mkdir()
        path.write_bytes(b"chief's" if number == 0 else b"own")
        agree(path)
        return path.read_bytes()

    assert meeting.run(work) == [b"chief's"] * 3


def test_what_an_earlier_attempt_left_reaches_all(meeting, tmp_path):
    (tmp_path / "stages" / "cut").mkdir(parents=True)
    (tmp_path / "stages" / "cut" / "trained.keras").write_bytes(b"weights")
    (tmp_path / "export").mkdir()

    def work(number):
        folder = own_folder(tmp_path)
        share(folder, leave_out=("export",))
        return folder

    first, *others = meeting.run(work)
    assert first == tmp_path
    assert len({first, *others}) == 3
    for folder in others:
        assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) == [
            "stages", "stages/cut", "stages/cut/trained.keras",
        ]  # fmt: skip
        assert (folder / "stages/cut/trained.keras").read_bytes() == b"weights"


def test_a_worker_that_was_asked_for_something_else_is_told(meeting):
    found = meeting.run(lambda number: require_equal(f"--seed={number // 2}"))
    assert found[:2] == [None, None]
    assert "Worker 2 was started with other flags" in str(found[2])
