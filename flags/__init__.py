"""The scripts' flags, one module per subject: `define()` them, then read their `values()`.

A module's `idle()` names those of its flags that have no effect beside the others, with the
reason. Flags stop at a script's `main`: nothing else reads them.
"""
