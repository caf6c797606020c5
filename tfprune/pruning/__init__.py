"""Pruning in one call, and its report.

planning refuses what can be refused without scores; one_call scores, selects, rebuilds, verifies
and, on request, reconstructs; report is what was pruned, and the proof, and report_file its file.
"""

from tfprune.pruning.one_call import prune
from tfprune.pruning.planning import PruningOptions, begun, parted, planned, require_possible
from tfprune.pruning.report import PruningReport

__all__ = [
    "PruningOptions",
    "PruningReport",
    "begun",
    "parted",
    "planned",
    "prune",
    "require_possible",
]
