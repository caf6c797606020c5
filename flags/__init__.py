"""The scripts' flags, one module per subject: `define()` them, then read their values.

A module's `idle()` names those of its flags that have no effect beside the others, with the
reason. Flags stop at a script's `main`: nothing else reads them.
"""

import sys

from flags import help_pages, starting
from tfprune import quiet

# The scripts import this package first, so that TensorFlow is imported here.
help_pages.answer(sys.argv)
with starting.told(sys.stderr):
    quiet.start()
