"""Workers that are threads of one process."""

import threading

import pytest

from tfprune.distribution import workers
from tfprune.errors import PruningError


class Meeting:
    """Lets the threads of a test exchange what `tf.distribute` would send."""

    def __init__(self, count):
        self.count, self.gate = count, threading.Barrier(count, timeout=10)
        self.local, self.messages = threading.local(), [b""] * count

    def joined(self, message):
        self.messages[self.local.number] = message + b"\0" * (-len(message) % 4)
        self.gate.wait()
        found = b"".join(self.messages)
        self.gate.wait()
        return found

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


@pytest.fixture(params=[3])
def meeting(monkeypatch, request):
    found = Meeting(request.param)
    monkeypatch.setattr(workers, "number", lambda: found.local.number)
    monkeypatch.setattr(workers, "count", lambda: found.count)
    monkeypatch.setattr(workers, "_exchanged", found.joined)
    return found
