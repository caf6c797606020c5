"""Messages of the chief, between workers that are threads of one process."""

import threading

import numpy as np
import pytest

from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.runs import agree, own_folder
from tfprune.runs.own_folder import require_equal, share


class Meeting:
    """Lets the threads of a test exchange what `tf.distribute` would send."""

    def __init__(self, count):
        self.count, self.gate, self.message = count, threading.Barrier(count, timeout=10), b""
        self.local = threading.local()

    def from_chief(self, message):
        if self.local.number == 0:
            self.message = message
        self.gate.wait()
        found = self.message
        self.gate.wait()
        return found + b"\0" * (-len(found) % 4)

    def run(self, work):
        """Return what each worker makes, in order; an error in place of what it raised."""
        found = [None] * self.count

        def one(number):
            self.local.number = number
            try:
                found[number] = work(number)
            except PruningError as error:
                found[number] = error

        threads = [threading.Thread(target=one, args=(number,)) for number in range(self.count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found


@pytest.fixture
def meeting(monkeypatch):
    found = Meeting(3)
    monkeypatch.setattr(workers, "number", lambda: found.local.number)
    monkeypatch.setattr(workers, "count", lambda: 3)
    monkeypatch.setattr(workers, "_from_chief", found.from_chief)
    return found


def test_all_hear_what_the_chief_makes_and_it_alone_makes_it(meeting):
    made = []

    def make(number):
        made.append(number)
        return {"state": number}

    assert meeting.run(lambda number: workers.told(lambda: make(number))) == [{"state": 0}] * 3
    assert made == [0]


def test_a_refusal_reaches_all(meeting):
    def refuse():
        raise PruningError("The folder holds another run.")

    found = meeting.run(lambda number: workers.told(refuse))
    assert [str(error) for error in found] == ["The folder holds another run."] * 3


def test_the_chiefs_arrays_are_everybodys_to_the_bit(meeting):
    own = [np.random.default_rng(number).normal(size=(3, 2)) for number in range(3)]
    found = meeting.run(lambda number: workers.agreed([own[number], np.arange(number)]))
    for first, second in found:
        np.testing.assert_array_equal(first, own[0])
        assert second.shape == (0,)


def test_long_messages_go_in_parts(meeting, monkeypatch):
    monkeypatch.setattr(workers, "_MOST", 16)
    text = bytes(range(256)) * 3 + b"end"
    assert meeting.run(lambda number: workers.sent(lambda: text)) == [text] * 3


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
