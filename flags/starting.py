"""What a person at a terminal sees while TensorFlow is loaded, which takes seconds."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_TEXT = "Loading TensorFlow ..."


@contextmanager
def told(stream: TextIO) -> Iterator[None]:
    """Show a line while the block runs, on a terminal where TensorFlow is not there yet.

    Args:
        stream: where to; standard error is None where a program has no terminal at all.
    """
    shown = stream is not None and stream.isatty() and "tensorflow" not in sys.modules
    if shown:
        stream.write(_TEXT)
        stream.flush()
    try:
        yield
    finally:
        if shown:
            stream.write("\r" + " " * len(_TEXT) + "\r")
            stream.flush()
