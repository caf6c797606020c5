"""When channels go: at once (`tfprune.prune`), layer by layer, in steps, softly, or made sparse.

A schedule is a module of this package, found by its file's name. It has

- `SCHEDULE`: a `Schedule` of `tfprune.schedules._schedule`, which says what it is;
- `run(stages, **settings) -> Outcome`: how it goes within a run that is kept in a folder.

The functions of this package bear the names of their modules and hide them: they are what users
call; `from tfprune.schedules.soft import SoftPruning` still finds the module.
"""

from tfprune.schedules.iterative import COURSES, iterative
from tfprune.schedules.layer_by_layer import layer_by_layer, regain_rate
from tfprune.schedules.soft import SoftPruning, soft
from tfprune.schedules.sparse import SparseTraining, sparse

__all__ = [
    "COURSES",
    "SoftPruning",
    "SparseTraining",
    "iterative",
    "layer_by_layer",
    "regain_rate",
    "soft",
    "sparse",
]
