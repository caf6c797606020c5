"""How much is pruned."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import keras
from absl import flags

import models.compress_rates
import tfprune
from tfprune import plugins
from tfprune.errors import PruningError
from tfprune.exporting import formats
from tfprune.selection import compress_rate

FLAGS = flags.FLAGS
NAMES = ("ratio", "macs", "params", "latency", "threshold", "compress_rate")
OF_LATENCY = ("latency_table", "runtime", "latency_batch")
_LONGEST = 60  # characters of compress rates in a folder's name


def define() -> None:
    """Define the flags of the amount."""
    flags.DEFINE_float(
        "threshold",
        None,
        "What the method understands by it: the similarity from which filters are alike, the "
        "share of a layer's support that stays (fgp), the score up to which a filter goes (gfi); "
        "in a ranking, the score below which a channel goes.",
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
    flags.DEFINE_float(
        "latency",
        None,
        "Share of a batch's time to keep, in (0, 1], measured in --runtime, or as --latency_table "
        "says.",
    )
    flags.DEFINE_string(
        "latency_table",
        None,
        "File of the times of each layer on the device, see docs/latency.md; without it they are "
        "measured here.",
    )
    flags.DEFINE_string(
        "runtime",
        None,
        "Where --latency is measured, or, with --macs or --params, where widths should be fast "
        f"(--round_to is chosen by measuring): {', '.join(plugins.names(formats))}.",
    )
    flags.DEFINE_integer(
        "latency_batch", None, "Images per call beside --runtime; 1 by default.", lower_bound=1
    )


def given(method: str, default: Mapping[str, Any]) -> dict[str, Any]:
    """Return how much is pruned: one of ratio, macs, params, threshold and compress_rate.

    Args:
        method: name of the method, for the error message.
        default: the method's own amount, empty for none.

    Raises:
        PruningError: several of them were given, or none for a method without a default.
    """
    found = {name: FLAGS[name].value for name in NAMES if FLAGS[name].value is not None}
    found = found or dict(default)
    if len(found) != 1:
        received = ", ".join(f"--{name}={value}" for name, value in found.items())
        raise PruningError(
            f"How much to prune: expected one of --{', --'.join(NAMES)} for method {method!r}, "
            f"received {received or 'none'}."
        )
    return found


def of_latency() -> dict[str, Any]:
    """Return the options that go with a latency, as `tfprune.select` takes them."""
    names = {"latency_table": "table", "runtime": "runtime", "latency_batch": "batch_size"}
    found = {option: FLAGS[name].value for name, option in names.items()}
    return {option: value for option, value in found.items() if value is not None}


def idle(used: str) -> tuple[str, ...]:
    """Return the flags of the latency that another amount has no use for.

    Args:
        used: the flag that says how much.
    """
    return OF_LATENCY[:1] if used in ("macs", "params") and FLAGS.runtime else OF_LATENCY


def label(amount: Mapping[str, Any]) -> str:
    """Return an amount for a folder's name.

    Example:
        >>> label({"ratio": 0.5}), label({"ratio": 0.704}), label({"compress_rate": "[0.]*2"})
        ('ratio_0.50', 'ratio_0.704', 'rates_0.x2')
    """
    ((name, value),) = amount.items()
    if name != "compress_rate":
        short = f"{value:.2f}"
        return f"{name}_{short if float(short) == value else f'{value:g}'}"
    terms = re.sub(r"[^0-9.+x]", "", value.replace("*", "x"))
    if len(terms) > _LONGEST:
        terms = f"{terms[:_LONGEST]}_{hashlib.sha256(value.encode()).hexdigest()[:8]}"
    return f"rates_{terms}"


def counted(options: Mapping[str, Any], arch: str | None, model: keras.Model) -> dict[str, Any]:
    """Return the options with compress rates as the counts of channels that they mean.

    Args:
        options: as `options` returns them.
        arch: the network's name; one with a list of its own in the paper is read by that. None:
            a model of another origin.
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
