"""Small topologies, each drawn in ASCII beside the units that an analysis has to find."""

import importlib
import pkgutil

from tests.toy_models._toy import TOYS, UNSAVEABLE, Toy, random_keep, randomize

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["TOYS", "UNSAVEABLE", "Toy", "random_keep", "randomize"]
