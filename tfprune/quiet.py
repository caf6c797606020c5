"""Keep from the terminal what TensorFlow's C++ tells of itself, for the length of one call.

TF_CPP_MIN_LOG_LEVEL does not silence TensorFlow 2.21 while its libraries load, and LiteRT has no
level at all: their lines go to file descriptor 2, past Python. So that descriptor is kept aside
meanwhile; what else went there is passed on, in its order.
"""

import contextlib
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_START = re.compile(
    rb"^(WARNING: All log messages before absl::|I\d{4} |To enable the following instr).*\n",
    re.MULTILINE,
)


def start(*modules: str) -> None:
    """Import TensorFlow and Keras without their notes on the machine; warnings and errors stay.

    Scripts begin with it; a program or notebook may, before it imports either. The level of
    TensorFlow's C++ notes becomes 3 (errors of Python's are exceptions) where TF_CPP_MIN_LOG_LEVEL
    is not set. Where it is set to 0 nothing is left out, in case the import itself ends the
    process.

    Args:
        *modules: what to import instead.

    Example:
        >>> start("keras")
    """
    os.environ.setdefault(_LEVEL, "3")
    for module in modules or ("tensorflow", "keras"):
        if module not in sys.modules:
            with contextlib.nullcontext() if os.environ[_LEVEL] == "0" else left_out(_START):
                importlib.import_module(module)


@contextlib.contextmanager
def left_out(lines: re.Pattern[bytes]) -> Iterator[None]:
    """Leave lines out of what the process, C++ included, writes to its error output within.

    For short calls only: until the end nobody sees anything, whatever thread wrote it.

    Args:
        lines: what they are, with their ends.

    Example:
        >>> with left_out(re.compile(rb"INFO: .*\\n")):
        ...     _ = os.write(2, b"INFO: of no interest\\n")
    """
    try:
        errors = os.dup(2)
    except OSError:  # there is no error output, as in some servers
        yield
        return
    with contextlib.suppress(AttributeError, ValueError):  # none in Python, or a closed one
        sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            with contextlib.suppress(AttributeError, ValueError):
                sys.stderr.flush()
            os.dup2(errors, 2)
            os.close(errors)
            kept.seek(0)
            os.write(2, lines.sub(b"", kept.read()))
