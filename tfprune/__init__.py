"""Structured (channel) pruning for Keras 3.

Every channel of every tensor carries an id; channels that live or die together form a unit. A
criterion scores channels, a selector turns scores into keep masks, surgery carries them out on any
functional model, and the result is compared with the masked original.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and checkers; `_HOMES` says the same to Python
    from tfprune import data, reporting, schedules, tasks, training, weights
    from tfprune.costs import timing
    from tfprune.costs.model_cost import Cost, cost
    from tfprune.costs.timing.measuring import latency
    from tfprune.costs.timing.table import LatencyTable
    from tfprune.costs.timing.tabulating import latency_table
    from tfprune.errors import PruningError
    from tfprune.exporting.writing import export
    from tfprune.graph.analysis import analyse
    from tfprune.graph.channel_graph import ChannelGraph
    from tfprune.graph.opening.opened import open_up
    from tfprune.graph.rules import rule
    from tfprune.pruning.one_call import prune
    from tfprune.pruning.report import PruningReport
    from tfprune.reconstruction.amounts import Sensitivity
    from tfprune.reconstruction.reconstructing import reconstruct
    from tfprune.reconstruction.report import Reconstruction
    from tfprune.reconstruction.searching import search
    from tfprune.reconstruction.sensitivity import sensitivity
    from tfprune.scoring.catalogue import methods
    from tfprune.scoring.scores import Scores
    from tfprune.scoring.scoring import score
    from tfprune.selection.selecting import select
    from tfprune.surgery.original_class import as_class
    from tfprune.surgery.rebuilding import rebuild
    from tfprune.surgery.verification import Verification, verify
    from tfprune.training import fine_tune

__version__ = "0.1.0"

__all__ = [
    "ChannelGraph",
    "Cost",
    "LatencyTable",
    "PruningError",
    "PruningReport",
    "Reconstruction",
    "Scores",
    "Sensitivity",
    "Verification",
    "__version__",
    "analyse",
    "as_class",
    "cost",
    "data",
    "export",
    "fine_tune",
    "latency",
    "latency_table",
    "methods",
    "open_up",
    "prune",
    "rebuild",
    "reconstruct",
    "reporting",
    "rule",
    "schedules",
    "score",
    "search",
    "select",
    "sensitivity",
    "tasks",
    "timing",
    "training",
    "verify",
    "weights",
]

# Where a name comes from when it is first used. `import tfprune` by itself imports nothing.
_HOMES = {
    "ChannelGraph": "graph.channel_graph",
    "Cost": "costs.model_cost",
    "LatencyTable": "costs.timing.table",
    "PruningError": "errors",
    "PruningReport": "pruning.report",
    "Reconstruction": "reconstruction.report",
    "Scores": "scoring.scores",
    "Sensitivity": "reconstruction.amounts",
    "Verification": "surgery.verification",
    "analyse": "graph.analysis",
    "as_class": "surgery.original_class",
    "cost": "costs.model_cost",
    "export": "exporting.writing",
    "fine_tune": "training",
    "latency": "costs.timing.measuring",
    "latency_table": "costs.timing.tabulating",
    "methods": "scoring.catalogue",
    "open_up": "graph.opening.opened",
    "prune": "pruning.one_call",
    "rebuild": "surgery.rebuilding",
    "reconstruct": "reconstruction.reconstructing",
    "rule": "graph.rules",
    "score": "scoring.scoring",
    "search": "reconstruction.searching",
    "select": "selection.selecting",
    "sensitivity": "reconstruction.sensitivity",
    "verify": "surgery.verification",
}
# Where a package comes from that is named as if it lay at the top.
_ROOMS = {"timing": "costs.timing"}


def __getattr__(name: str) -> Any:
    """Return a public name or a module of the package, imported now."""
    try:
        home = importlib.import_module(f"tfprune.{(_HOMES | _ROOMS).get(name, name)}")
    except ModuleNotFoundError as error:
        if error.name != f"tfprune.{name}":
            raise
        raise AttributeError(f"module 'tfprune' has no attribute {name!r}") from None
    return globals().setdefault(name, getattr(home, name) if name in _HOMES else home)


def __dir__() -> list[str]:
    """Return the public names only: what the others hold may move."""
    return sorted(__all__)
