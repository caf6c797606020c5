"""The scripts' flags, one module per subject: `define()` them, then read their values.

A module's `idle()` names those of its flags that have no effect beside the others, with the
reason. Flags stop at a script's `main`: nothing else reads them.
"""

import os
import sys

from flags import help_pages, quiet

# The scripts import this package first: TensorFlow reads the variable when it is imported. The
# library leaves logging alone.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

help_pages.answer(sys.argv)
quiet.load()
