"""A model made ready to be called in the runtime that serves it."""

import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.exporting import _signature
from tfprune.exporting.chosen_formats import require_formats

Call = Callable[[list[np.ndarray]], list[np.ndarray]]


class Runner:
    """A model in a runtime, for as long as the `with` block lasts: its file is a temporary one.

    Args:
        model: a built model with named inputs.
        runtime: name of the export format that it is written in, and whose own runtime calls it.
        threads: how many it computes with; None for the runtime's own choice.

    Raises:
        PruningError: an unknown format, one that cannot hold the model, or threads that its
            runtime cannot be given.

    Example:
        >>> import keras
        >>> x = keras.Input((4,), name="x")
        >>> with Runner(keras.Model(x, keras.layers.Dense(2)(x)), "keras") as runner:
        ...     call = runner.on_samples(3)
        >>> call()[0].shape
        (3, 2)
    """

    def __init__(self, model: keras.Model, runtime: str, threads: int | None = None):
        self.model, self.runtime, self.threads = model, runtime, threads
        self.module = require_formats(model, [runtime])[runtime]

    def __enter__(self) -> "Runner":
        with ExitStack() as opened, self._explaining():
            folder = opened.enter_context(tempfile.TemporaryDirectory())
            self._load = self._loader(Path(folder))
            self.call = self._load()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def on_samples(self, count: int, *, anew: bool = False) -> Callable[[], list[np.ndarray]]:
        """Return a call on a batch of standard normal numbers (zeros for integers).

        Args:
            count: samples in the batch; a free size of an input is taken as 32.
            anew: load the file once more, or compile the model once more: it then lies elsewhere
                in memory, which alone makes it faster or slower by some hundredths.

        Raises:
            PruningError: the model takes batches of another size only.
        """
        for tensor in self.model.inputs:
            if tensor.shape[0] not in (None, count):
                raise PruningError(
                    f"The input {tensor.name!r} of model {self.model.name!r} is for batches of "
                    f"{tensor.shape[0]}, received batch size {count}. Build the model with an open "
                    "batch, or ask for its own size."
                )
        inputs = _signature.example_inputs(self.model, count)
        call = self._load() if anew else self.call
        return lambda: call(inputs)

    def _loader(self, folder: Path) -> Callable[[], Call]:
        """Return what makes the model ready to be called, as often as that is wanted."""
        if hasattr(self.module, "direct"):
            return partial(self.module.direct, self.model, self.threads)
        path = self.module.target(folder)  # once: of a SavedModel it is the next version
        self.module.write(self.model, path)
        return partial(self.module.load, path, self.model, self.threads)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except PruningError:
            raise
        except Exception as error:  # converters and runtimes raise types of their own
            raise PruningError(
                f"Runtime {self.runtime!r} cannot run the model {self.model.name!r}: "
                f"{type(error).__name__}: {textwrap.shorten(str(error), 300)} Another runtime may."
            ) from error
