"""How far a training is, from before its first step, which takes long, to its last."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import keras

from flags import strategy
from flags.progress import Progress


@contextmanager
def told(what: str) -> Iterator[list[keras.callbacks.Callback]]:
    """Give callbacks that tell how far a training within is.

    On a terminal they do until Keras' own bar goes on, elsewhere to the end: it has a line only
    for each epoch, and an epoch may take hours.

    Args:
        what: the step, e.g. "Training".
    """
    verbose = strategy.verbose()
    if not verbose:
        yield []
        return
    with ExitStack() as shown:
        progress = shown.enter_context(Progress(what))
        if verbose == 1:
            yield [_Until(shown.close)]
        else:
            yield [_Steps(progress)]


class _Until(keras.callbacks.Callback):
    """Ends what is shown after the first step, before whose end Keras shows nothing."""

    def __init__(self, end: Callable[[], None]) -> None:
        super().__init__()
        self.end = end

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End it, before Keras' bar is drawn."""
        self.end()


class _Steps(keras.callbacks.Callback):
    """Tells of each step, and of the time left at the pace of those behind the first."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.progress, self.clock = progress, clock
        self._epoch = 0
        self._first: tuple[int, float] | None = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Take note of the epoch; a training that goes on does not begin with the first."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Tell that one more step is done."""
        steps, now = self.params["steps"], self.clock()
        done = self._epoch * (steps or 0) + batch + 1
        of = steps and steps * self.params["epochs"]
        if self._first is None:
            self._first = done, now
            return
        first, began = self._first
        left = (now - began) / (done - first) * (of - done) if of else None
        self.progress.hear("steps", done, of, left)
