"""Structured (channel) pruning for Keras 3.

Every channel of every tensor carries an id; channels that live or die together form a unit. A
criterion scores channels, a selector turns scores into keep masks, surgery carries them out on any
functional model, and the result is compared with the masked original.
"""

from tfprune.artefacts import export
from tfprune.channel_graph import ChannelGraph
from tfprune.costs import Cost, cost
from tfprune.errors import PruningError
from tfprune.graph import analyse
from tfprune.pruning import PruningReport, prune
from tfprune.rules import rule
from tfprune.scoring import Scores, score
from tfprune.selecting import select
from tfprune.surgery import rebuild
from tfprune.training import fine_tune
from tfprune.verification import Verification, verify

__all__ = [
    "ChannelGraph",
    "Cost",
    "PruningError",
    "PruningReport",
    "Scores",
    "Verification",
    "analyse",
    "cost",
    "export",
    "fine_tune",
    "prune",
    "rebuild",
    "rule",
    "score",
    "select",
    "verify",
]
