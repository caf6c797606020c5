"""Keep TensorFlow's start-up messages from the terminal.

TF_CPP_MIN_LOG_LEVEL does not silence TensorFlow 2.21 while its libraries load. The lines come from
C++, so the process's error output is kept aside meanwhile; what else went there is passed on.
"""

import importlib
import os
import re
import sys
import tempfile

_TOLD = re.compile(
    rb"^(WARNING: All log messages before absl::|I\d{4} |To enable the following instr).*\n",
    re.MULTILINE,
)


def load(module: str = "tensorflow") -> None:
    """Import a module of TensorFlow; its notes on the machine are left out.

    Args:
        module: the module's name.
    """
    if module in sys.modules:
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        errors = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            importlib.import_module(module)
        finally:
            sys.stderr.flush()
            os.dup2(errors, 2)
            os.close(errors)
            kept.seek(0)
            os.write(2, _TOLD.sub(b"", kept.read()))
