"""What is pruned, how much, and from which baseline."""

import ast
import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from absl import flags

from flags import amount as amounts
from flags import pairs, selection
from tfprune import criteria, plugins
from tfprune.errors import PruningError

FLAGS = flags.FLAGS


def define(*, pretrain_dir: str) -> None:
    """Define the flags of pruning.

    Args:
        pretrain_dir: default of --pretrain_dir.
    """
    flags.DEFINE_string(
        "pretrain_dir",
        pretrain_dir,
        "Folder of the baseline <arch>.keras that train.py wrote; in braces: arch, data, seed.",
    )
    flags.DEFINE_string(
        "method", "similarity", f"Pruning method: {', '.join(plugins.names(criteria))}."
    )
    flags.DEFINE_multi_string("option", [], "Option of the method as name=value, e.g. w_beta=0.1")
    flags.DEFINE_float(
        "memory_gb",
        None,
        "Gigabytes that a method's running sums of maps may take (gfi); without it its default.",
    )
    flags.DEFINE_integer(
        "samples",
        None,
        "Training images that the method looks at, drawn once; 0: all. Without it as many as the "
        "method's paper.",
        lower_bound=0,
    )
    flags.DEFINE_bool(
        "figures",
        False,
        "Draw into the run's folder: predictions before and after (data with masks), heat maps and "
        "the support of each class (fgp).",
    )
    amounts.define()
    selection.define()


def method() -> str:
    """Return the method's name.

    Raises:
        PruningError: this version has no such method; those it has are listed.
    """
    _criterion()
    return FLAGS.method


def figures() -> bool:
    """Return whether pictures are drawn."""
    return FLAGS.figures


def samples() -> int | None:
    """Return how many training images the method looks at: 0 for all, None for none."""
    own = _criterion().METHOD.samples
    return own if own is None or FLAGS.samples is None else FLAGS.samples


def amount() -> dict[str, Any]:
    """Return how much is pruned, as `flags.amount.given`, the method's own by default."""
    return amounts.given(FLAGS.method, _criterion().METHOD.amount)


def request() -> dict[str, Any]:
    """Return what is asked for: the `method`, its `samples` and the `options`."""
    return {"method": method(), "samples": samples(), "options": options()}


def schedule() -> str:
    """Return the method's own schedule."""
    return _criterion().METHOD.schedule


def label(planned: str) -> str:
    """Return the amount for a folder's name, e.g. "threshold_0.70" or "ratio_0.50_iterative".

    Args:
        planned: the schedule; one that is not the method's own is named too.
    """
    suffix = "" if planned == schedule() else f"_{planned}"
    return f"{amounts.label(amount())}{suffix}"


def options() -> dict[str, Any]:
    """Return the options of `tfprune.prune`: the amount, the selection's and the method's own."""
    own = own_options()
    if "seed" in _takes():
        own.setdefault("seed", FLAGS.seed)
    for name in ("coupled", "memory_gb"):
        if FLAGS[name].value is not None:
            own[name] = FLAGS[name].value
    return {**amount(), **amounts.of_latency(), **selection.given(), **own}


def own_options() -> dict[str, Any]:
    """Return {name: value} of --option.

    Raises:
        PruningError: no name=value, one given twice, or one that has a flag of its own.
    """
    found = pairs.given("option", "w_beta=0.1")
    flagged = {
        *selection.NAMES,
        *amounts.NAMES,
        *amounts.OF_LATENCY,
        "coupled",
        "memory_gb",
        "method",
        "samples",
    }
    for name in found:
        if name in flagged:
            raise PruningError(f"--option={name}: it has a flag of its own. Use --{name}=.")
        if name in ("model", "batches", "ratios", "counts"):
            raise PruningError(f"--option={name}: only for Python. Leave it out.")
    return {name: _literal(value) for name, value in found.items()}


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    (used,) = amount()
    unused = (name for name in amounts.NAMES if name != used)
    found = dict.fromkeys(unused, f"--{used} says how much.")
    if "memory_gb" not in _takes():
        found["memory_gb"] = f"method {FLAGS.method!r} keeps no maps."
    if not _criterion().METHOD.needs_data:
        found["samples"] = f"method {FLAGS.method!r} looks at no images."
    if used != "latency":
        reason = f"--{used} says how much, not --latency."
        found |= dict.fromkeys(amounts.idle(used), reason)
    if used in ("threshold", "compress_rate"):
        found["scope"] = f"--{used} says how much of every layer."
    return found


def _criterion() -> ModuleType:
    valid = plugins.names(criteria)
    if FLAGS.method not in valid:
        raise PruningError(
            f"Method {FLAGS.method!r} is not available in this version. Expected one of: "
            f"{', '.join(valid)}. Choose it with --method, and how much with --ratio, --macs or "
            "--params."
        )
    return plugins.find(criteria, FLAGS.method, "method")


def _takes() -> Mapping[str, inspect.Parameter]:
    return inspect.signature(_criterion().score).parameters


def _literal(text: str) -> Any:
    """Return the number, list, truth or None that a text stands for, else the text itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
