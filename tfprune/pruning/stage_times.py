"""How long each stage of a call takes."""

import time


class StageTimes:
    """Wall time of one stage after the other, from the making of this object on.

    Example:
        >>> times = StageTimes()
        >>> times.end("analyse")
        >>> list(times.seconds)
        ['analyse']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """Note that a stage has ended, and the next one begins."""
        now = time.perf_counter()
        self.seconds[stage], self._last = now - self._last, now
