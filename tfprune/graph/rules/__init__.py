"""How channels pass through each kind of layer: the only folder that names layer kinds."""

import importlib
import pkgutil

from tfprune.graph.rules._registry import (
    find,
    has_role,
    has_rule,
    rule,
    takes_among_samples,
    works_within_heads,
)

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "find",
    "has_role",
    "has_rule",
    "rule",
    "takes_among_samples",
    "works_within_heads",
]
