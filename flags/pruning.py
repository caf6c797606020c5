"""What is pruned, how much, and from which baseline."""

import ast
import inspect
from types import ModuleType
from typing import Any

from absl import flags

from tfprune import criteria, plugins
from tfprune.errors import PruningError

FLAGS = flags.FLAGS
_AMOUNTS = ("ratio", "macs", "params", "threshold")
_SELECTION = ("scope", "min_channels", "round_to", "include", "exclude")


def define(*, pretrain_dir: str) -> None:
    """Define the flags of pruning.

    Args:
        pretrain_dir: default of --pretrain_dir.
    """
    flags.DEFINE_string(
        "pretrain_dir",
        pretrain_dir,
        "Folder of the baseline <arch>.keras that train.py wrote; in braces: arch, data.",
    )
    flags.DEFINE_string("method", "similarity", "Pruning method.")
    flags.DEFINE_multi_string(
        "option", [], "Option of the method as name=value, e.g. w_beta=0.1; may be repeated."
    )
    flags.DEFINE_integer("samples", 100, "Training images that the method looks at.", lower_bound=1)
    _define_amount()


def _define_amount() -> None:
    flags.DEFINE_float(
        "threshold",
        0.7,
        "What the method's selector understands by it: the similarity from which filters are "
        "alike; in a ranking, where no default applies, the score below which a channel goes.",
    )
    flags.DEFINE_float("ratio", None, "Share of the channels to remove, in [0, 1).")
    flags.DEFINE_float("macs", None, "Share of the multiply-accumulates to keep, in (0, 1].")
    flags.DEFINE_float("params", None, "Share of the parameters to keep, in (0, 1].")
    flags.DEFINE_enum(
        "scope",
        None,
        ["layer", "global"],
        "Shrink layers alike or rank all channels together; without it as the method's paper.",
    )
    flags.DEFINE_integer("min_channels", 1, "Channels that every layer keeps.", lower_bound=1)
    flags.DEFINE_integer("round_to", 1, "Keep multiples of this many channels.", lower_bound=1)
    flags.DEFINE_list("include", [], "Patterns of layer names: prune only these.")
    flags.DEFINE_list("exclude", [], "Patterns of layer names: leave these whole.")


def method() -> str:
    """Return the method's name.

    Raises:
        PruningError: this version has no such method; those it has are listed.
    """
    _criterion()
    return FLAGS.method


def samples() -> int | None:
    """Return how many training images the method looks at, None when it looks at none."""
    batches = inspect.signature(_criterion().score).parameters["batches"]
    return FLAGS.samples if batches.default is inspect.Parameter.empty else None


def amount() -> dict[str, float]:
    """Return how much is pruned: one of ratio, macs, params and threshold.

    Raises:
        PruningError: several of them were given, or none for a method without a default.
    """
    given = {name: FLAGS[name].value for name in _AMOUNTS if FLAGS[name].present}
    if not given and not _ranks():
        given = {"threshold": FLAGS.threshold}
    if len(given) != 1:
        raise PruningError(
            f"How much to prune: expected one of --ratio, --macs, --params and --threshold for "
            f"method {FLAGS.method!r}, received {_listed(given) or 'none'}."
        )
    return given


def request() -> dict[str, Any]:
    """Return what is asked for: the `method`, its `samples` and the `options`."""
    return {"method": method(), "samples": samples(), "options": options()}


def label() -> str:
    """Return the amount for a folder's name, e.g. "threshold_0.70" or "ratio_0.50"."""
    ((name, value),) = amount().items()
    return f"{name}_{value:.2f}"


def options() -> dict[str, Any]:
    """Return the options of `tfprune.prune`: the amount, the selection's and the method's own."""
    # Only what differs from the default is handed on: not every selector takes every option.
    selecting = {name: FLAGS[name].value for name in _SELECTION}
    given = {name: x for name, x in selecting.items() if x != FLAGS[name].default}
    own = dict(_option(text) for text in FLAGS.option)
    if "seed" in inspect.signature(_criterion().score).parameters:
        own.setdefault("seed", FLAGS.seed)
    return {**amount(), **given, **own}


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    (used,) = amount()
    unused = (name for name in _AMOUNTS if name != used)
    found = dict.fromkeys(unused, f"--{used} says how much.")
    if samples() is None:
        found["samples"] = f"method {FLAGS.method!r} looks at no images."
    if used == "threshold":
        found["scope"] = "a threshold holds for every layer alike."
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


def _ranks() -> bool:
    return getattr(_criterion(), "SELECTOR", "ranking") == "ranking"


def _listed(given: dict[str, float]) -> str:
    return ", ".join(f"--{name}={value:g}" for name, value in given.items())


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise PruningError(f"--option: expected name=value such as w_beta=0.1, received {text!r}.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
