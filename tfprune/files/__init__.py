"""Writing without half files, and reading with errors a user can act on.

Everything that tfprune writes goes through here, and so does every error of the operating system.
"""

from tfprune.files._arrays import DAMAGED, read_arrays, require_array, write_arrays
from tfprune.files._atomic import (
    atomic_path,
    is_partial,
    make_folder,
    remove,
    sweep,
    write_version,
)
from tfprune.files._claims import claim, contents, differences
from tfprune.files._environment import environment
from tfprune.files._models import load_model, save_model
from tfprune.files._system_errors import explained, explaining, known, usable
from tfprune.files._text import read_json, read_text, write_json, write_text
from tfprune.files._unfinished import listed, unfinished

__all__ = [
    "DAMAGED",
    "atomic_path",
    "claim",
    "contents",
    "differences",
    "environment",
    "explained",
    "explaining",
    "is_partial",
    "known",
    "listed",
    "load_model",
    "make_folder",
    "read_arrays",
    "read_json",
    "read_text",
    "remove",
    "require_array",
    "save_model",
    "sweep",
    "unfinished",
    "usable",
    "write_arrays",
    "write_json",
    "write_text",
    "write_version",
]
