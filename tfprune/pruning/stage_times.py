"""How long each stage of a call takes, and which it is at."""

import time

from tfprune.passes.progress import tell


class StageTimes:
    """Wall time of one stage after the other, from the making of this object on.

    Args:
        of: how many stages there will be.

    Example:
        >>> times = StageTimes(3)
        >>> times.end("analyse")
        >>> list(times.seconds)
        ['analyse']
    """

    def __init__(self, of: int) -> None:
        self.seconds: dict[str, float] = {}
        self.of = of
        tell(0, of, "stages")
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """Note that a stage has ended, and the next one begins."""
        now = time.perf_counter()
        self.seconds[stage], self._last = now - self._last, now
        tell(len(self.seconds), self.of, "stages")
