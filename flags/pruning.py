"""What is pruned, how much, and from which baseline."""

import ast
import inspect
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import keras
from absl import flags

import models.compress_rates
import tfprune
from tfprune import compress_rate, criteria, plugins
from tfprune.coupling import WAYS
from tfprune.errors import PruningError

FLAGS = flags.FLAGS
_AMOUNTS = ("ratio", "macs", "params", "threshold", "compress_rate")
SAMPLES = 500  # of a method whose paper names no number of images
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
    flags.DEFINE_integer(
        "samples",
        None,
        "Training images that the method looks at, drawn once; 0: all. Without it as many as the "
        "method's paper.",
        lower_bound=0,
    )
    _define_amount()


def _define_amount() -> None:
    flags.DEFINE_float(
        "threshold",
        None,
        "What the method understands by it: the similarity from which filters are alike, the "
        "share of a layer's support that stays (fgp); in a ranking, the score below which a "
        "channel goes.",
    )
    flags.DEFINE_float("ratio", None, "Share of the channels to remove, in [0, 1).")
    flags.DEFINE_alias("p", "ratio")
    flags.DEFINE_string(
        "compress_rate",
        None,
        "FP-FMC's list of shares to remove, e.g. [0.]+[0.4]*2+[0.5]*9: one per entry of the "
        "network's list, or, for a network without one, per set of coupled layers.",
    )
    flags.DEFINE_float("macs", None, "Share of the multiply-accumulates to keep, in (0, 1].")
    flags.DEFINE_float("params", None, "Share of the parameters to keep, in (0, 1].")
    flags.DEFINE_enum(
        "coupled",
        None,
        WAYS,
        "What coupled layers (residual sums) are scored by: pin leaves them whole, leader is the "
        "one nearest to the input, mean and sum are over all; without it as the method's paper.",
    )
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
    """Return how many training images the method looks at: 0 for all, None for none."""
    if not _looks():
        return None
    given = FLAGS.samples
    return getattr(_criterion(), "SAMPLES", SAMPLES) if given is None else given


def amount() -> dict[str, Any]:
    """Return how much is pruned: one of ratio, macs, params, threshold and compress_rate.

    Raises:
        PruningError: several of them were given, or none for a method without a default.
    """
    given = {name: FLAGS[name].value for name in _AMOUNTS if FLAGS[name].value is not None}
    given = given or getattr(_criterion(), "AMOUNT", {})
    if len(given) != 1:
        raise PruningError(
            f"How much to prune: expected one of --{', --'.join(_AMOUNTS)} for method "
            f"{FLAGS.method!r}, received {_listed(given) or 'none'}."
        )
    return given


def request() -> dict[str, Any]:
    """Return what is asked for: the `method`, its `samples` and the `options`."""
    return {"method": method(), "samples": samples(), "options": options()}


def counted(options: Mapping[str, Any], arch: str, model: keras.Model) -> dict[str, Any]:
    """Return the options with compress rates as the counts of channels that they mean.

    Args:
        options: as `options` returns them.
        arch: the network's name; one with a list of its own in the paper is read by that.
        model: the network.

    Raises:
        PruningError: a term of another form, or a list of another length than expected.
    """
    if "compress_rate" not in options:
        return dict(options)
    others = {name: value for name, value in options.items() if name != "compress_rate"}
    rates = options["compress_rate"]
    if arch in models.compress_rates.names():
        return {**others, "counts": models.compress_rates.counts(arch, rates)}
    return {**others, "counts": compress_rate.counts(tfprune.analyse(model), rates)}


def schedule() -> str:
    """Return the method's own schedule."""
    return getattr(_criterion(), "SCHEDULE", "one_shot")


def label(planned: str) -> str:
    """Return the amount for a folder's name, e.g. "threshold_0.70" or "ratio_0.50_iterative".

    Args:
        planned: the schedule; one that is not the method's own is named too.
    """
    ((name, value),) = amount().items()
    suffix = "" if planned == schedule() else f"_{planned}"
    if name == "compress_rate":
        return f"rates_{re.sub(r'[^0-9.+x]', '', value.replace('*', 'x'))}{suffix}"
    return f"{name}_{value:.2f}{suffix}"


def options() -> dict[str, Any]:
    """Return the options of `tfprune.prune`: the amount, the selection's and the method's own."""
    # Only what differs from the default is handed on: not every selector takes every option.
    selecting = {name: FLAGS[name].value for name in _SELECTION}
    given = {name: x for name, x in selecting.items() if x != FLAGS[name].default}
    own = dict(_option(text) for text in FLAGS.option)
    if "seed" in inspect.signature(_criterion().score).parameters:
        own.setdefault("seed", FLAGS.seed)
    if FLAGS.coupled:
        own["coupled"] = FLAGS.coupled
    return {**amount(), **given, **own}


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    (used,) = amount()
    unused = (name for name in _AMOUNTS if name != used)
    found = dict.fromkeys(unused, f"--{used} says how much.")
    if not _looks():
        found["samples"] = f"method {FLAGS.method!r} looks at no images."
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


def _looks() -> bool:
    batches = inspect.signature(_criterion().score).parameters["batches"]
    return batches.default is inspect.Parameter.empty


def _listed(given: dict[str, float]) -> str:
    return ", ".join(f"--{name}={value}" for name, value in given.items())


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise PruningError(f"--option: expected name=value such as w_beta=0.1, received {text!r}.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
