"""From the options of one call to what is scored and selected; what can be refused, is refused."""

from collections.abc import Mapping
from typing import Any, Unpack

import keras

from tfprune import criteria, plugins
from tfprune.checks import check_bool
from tfprune.errors import unknown
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.progress import Progress
from tfprune.reconstruction.measuring import MEASURED, Measuring
from tfprune.scoring.options import CriterionOptions
from tfprune.scoring.scoring import criterion_options
from tfprune.selection import selectors
from tfprune.selection.options import SelectionOptions
from tfprune.selection.parsing import SELECTING, Selection, parsed, selector_options
from tfprune.selection.request import AMOUNTS

# What `prune` takes by keyword beside the options of a method.
KEYWORDS = ("allow_inexact", "inputs", "reconstruct", "calibration", "as_class")


class PruningOptions(SelectionOptions, CriterionOptions, total=False):
    """The options of `tfprune.prune` beside its own: those of `select`, `score`, the criterion."""

    coupled: str | None
    progress: Progress | None


def require_possible(
    model: keras.Model,
    method: str,
    *,
    allow_inexact: bool = False,
    **options: Unpack[PruningOptions],
) -> None:
    """Refuse what `prune` would refuse before it scores; nothing is computed.

    Args:
        model: as for `prune`.
        method: as for `prune`.
        allow_inexact: as for `prune`.
        **options: as for `prune`.

    Raises:
        PruningError: as `analyse`, and for options that no scores could make possible.

    Example:
        >>> import keras
        >>> layers = [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)]
        >>> require_possible(keras.Sequential(layers), "l1", ratio=1.5)
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: ratio must lie in [0, 1), the share that is removed; ...
    """
    begun(model, method, options, inexact=allow_inexact)


def begun(
    model: keras.Model, method: str, options: Mapping[str, Any], *, inexact: bool
) -> tuple[ChannelGraph, Selection | Measuring, dict[str, Any]]:
    """Return a model's graph, the selection that is to be made, and the options of the scoring.

    Args:
        model: as for `prune`.
        method: as for `prune`.
        options: as for `prune`.
        inexact: allow_inexact, as for `prune`.

    Raises:
        PruningError: as `require_possible`.

    Example:
        >>> import keras
        >>> layers = [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)]
        >>> options = {"ratio": 0.5, "seed": 3}
        >>> model = keras.Sequential(layers)
        >>> _, selection, scoring = begun(model, "random", options, inexact=False)
        >>> selection.request.ratio, scoring
        (0.5, {'seed': 3})
    """
    check_bool("allow_inexact", inexact)
    selection, scoring = planned(method, options)
    graph = analyse(model, allow_inexact=inexact)
    selection.check(graph)
    return graph, selection, scoring


def parted(method: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the selection, with the method's own amount, and of the scoring.

    Raises:
        PruningError: an unknown method or option.

    Example:
        >>> parted("random", {"macs": 0.5, "seed": 3})
        ({'macs': 0.5}, {'seed': 3})
    """
    module = plugins.find(criteria, method, "method")
    selector = plugins.find(selectors, module.METHOD.selector, "selector")
    choosing = [*SELECTING, *selector_options(selector)]
    valid = [*choosing, "coupled", *criterion_options(module)]
    for name in options:
        if name not in valid:
            valid += KEYWORDS
            raise unknown(f"option of prune with method {method!r}", name, valid)
    selecting = {name: value for name, value in options.items() if name in choosing}
    if not any(selecting.get(name) is not None for name in AMOUNTS):
        selecting |= module.METHOD.amount
    return selecting, {name: x for name, x in options.items() if name not in choosing}


def planned(
    method: str, options: Mapping[str, Any]
) -> tuple[Selection | Measuring, dict[str, Any]]:
    """Return the selection that a method will make of its scores, and the options of the scoring.

    Args:
        method: name of the method.
        options: as for `prune`.

    Raises:
        PruningError: what can be refused without a model.

    Example:
        >>> selection, scoring = planned("random", {"macs": 0.5, "seed": 3})
        >>> selection.request.amount, scoring
        ('macs', {'seed': 3})
    """
    selecting, scoring = parted(method, options)
    if selecting.get("scope") == MEASURED:
        return Measuring.asked(**selecting), scoring
    selector = plugins.find(criteria, method, "method").METHOD.selector
    return parsed(selector, **selecting), scoring
