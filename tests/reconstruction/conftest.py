"""Workers that are threads of one process."""

import pytest

from tests.distribution.conftest import Meeting
from tfprune.distribution import workers


@pytest.fixture
def on_three(monkeypatch):
    """What each of three workers makes."""

    def run(work):
        meeting = Meeting(3)
        with monkeypatch.context() as patched:
            patched.setattr(workers, "number", lambda: meeting.local.number)
            patched.setattr(workers, "count", lambda: meeting.count)
            patched.setattr(workers, "_exchanged", meeting.joined)
            return meeting.run(work)

    return run
