"""When channels go: all at once (`tfprune.prune`), layer by layer, in steps, or softly."""

from tfprune.schedules.layerwise import layer_by_layer, regain_rate
from tfprune.schedules.soft import SoftPruning, soft
from tfprune.schedules.stepwise import COURSES, iterative

__all__ = ["COURSES", "SoftPruning", "iterative", "layer_by_layer", "regain_rate", "soft"]
