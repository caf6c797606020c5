"""The criteria's own options as types: what editors complete and type checkers look at."""

import os
from collections.abc import Iterable
from typing import Any, TypedDict

from tfprune.tasks import Task


class CriterionOptions(TypedDict, total=False):
    """The criteria's own options; each knows some of them, and refuses the others.

    What an option means stands with its criterion, `help(tfprune.criteria.gfbs.score)`; a new
    option of a criterion gets a line here.

    beta, w_beta: "gfbs".
    cache_dir, cluster_stride, index, workers: "fmc".
    classes: "fgp", "gfi".
    gradient, heat_norm, images_per_class: "fgp".
    greedy: "obs".
    loss: "gfbs", "taylor".
    memory_gb, spatial: "gfi".
    seed: "fmc", "obs", "random".
    task: "fgp", "gfbs", "taylor".
    """

    beta: str
    cache_dir: str | os.PathLike | None
    classes: int | Iterable[int] | None
    cluster_stride: int
    gradient: str
    greedy: bool
    heat_norm: str
    images_per_class: int | None
    index: str
    loss: Any
    memory_gb: float
    seed: int
    spatial: str
    task: str | Task | None
    w_beta: float | None
    workers: int | None
