"""Plug-ins are modules of a package, found by their name: a new one is one new file."""

import importlib
import pkgutil
from types import ModuleType

from tfprune.errors import require_known


def names(package: ModuleType) -> list[str]:
    """Return the names of a package's plug-ins: its modules without a leading underscore."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def find(package: ModuleType, name: str, what: str) -> ModuleType:
    """Import and return the plug-in module `name` of `package`.

    Args:
        package: the package that holds the plug-ins, e.g. `tfprune.criteria`.
        name: the plug-in's name.
        what: the kind of plug-in, for the error message, e.g. "criterion".

    Raises:
        PruningError: no such plug-in; the valid names are listed.
    """
    require_known(what, name, names(package))
    return importlib.import_module(f"{package.__name__}.{name}")
