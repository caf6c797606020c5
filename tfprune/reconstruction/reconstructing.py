"""Solve the kernels of a pruned model anew, so that it computes what the original computed."""

import time
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np

from tfprune.checks import check_seed
from tfprune.distribution import workers
from tfprune.distribution.strategies import outside
from tfprune.errors import PruningError, unknown
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.attention import with_parts
from tfprune.passes.keeping import steps
from tfprune.passes.progress import teller
from tfprune.reconstruction.fitting import HELD, Fitting, Settings
from tfprune.reconstruction.pair import Pair
from tfprune.reconstruction.portions import Portions
from tfprune.reconstruction.report import Reconstruction
from tfprune.reconstruction.samples import portions_of, suitability
from tfprune.reconstruction.tensor_store import TensorStore
from tfprune.reconstruction.together import assign_all, moved_together
from tfprune.surgery.builder import Builder, float32_if_half
from tfprune.surgery.compile_state import compile_like
from tfprune.surgery.masks import kept_ids
from tfprune.surgery.rebuilding import rebuild
from tfprune.training.identity import digest

AIMS = ("sum", "own")


def reconstruct(  # noqa: PLR0913 - how it is done, each a keyword
    graph: ChannelGraph,
    keep: Mapping[str, np.ndarray],
    small: keras.Model,
    data: Any,
    *,
    aim: str = "sum",
    passes: int = 0,
    memory_gb: float = 4.0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[keras.Model, Reconstruction]:
    """Give a pruned model the weights that answer best to what it still receives.

    Original and pruned model are run side by side, call by call, on the same unlabelled samples.
    Each layer with a kernel gets, in one step of least squares, the kernel W and offset b that
    minimise |Y - X W - b|^2 + ridge |D^(1/2) (W - W0)|^2: X is what the pruned model feeds the
    layer, errors made before it included; Y what the original computes there at the channels that
    stay; D the diagonal of X'X. Depthwise convolutions and normalisations get a factor and an
    offset per channel. An offset goes into the bias, else into the moving mean of the batch
    normalisation behind. No labels and no training: a minute where fine-tuning takes hours.

    The ridge is chosen per layer on every fifth sample, which is held out; a layer that no ridge
    makes better there keeps its weights. If the outputs as a whole get no better, all are kept.

    Args:
        graph: channel graph of the original model.
        keep: the keep masks that `small` was rebuilt with, {layer name: bool [C]}.
        small: the pruned model; it is not changed.
        data: samples in any form that `tfprune.score` takes, scaled as in training; labels are
            not looked at. 1,000 images are a good number for CIFAR's networks.
        aim: what the last layer before a sum aims at: "sum", at what the sum has to be, so that
            a residual block mends its stream; or "own", at what the layer itself computes.
        passes: how often all weights go over the samples together afterwards; 0: never.
        memory_gb: memory for the maps of both models, in GB; what does not fit lies on disk.
        seed: of the positions that are drawn where the samples have more than 64 per column of X.
            Each layer draws anew in each portion of 100 samples, whoever computes it.
        progress: told after each call of the model how many are done, and of how many.

    Returns:
        A copy of `small` with the new weights, and what was done to each layer.

    Raises:
        PruningError: masks or a model that do not belong to the graph, an option out of range,
            no data, or NaN in it.

    References:
        He, Zhang & Sun, Channel Pruning for Accelerating Very Deep Neural Networks, ICCV 2017,
        section 3.1 (ii), with the whole branch enhancement of 3.2 as `aim="sum"`.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> keras.utils.set_random_seed(0)
        >>> layers = [keras.Input((6,)), keras.layers.Dense(4, name="hidden"),
        ...           keras.layers.Dense(2)]
        >>> graph = tfprune.analyse(keras.Sequential(layers))
        >>> keep = {"hidden": np.array([True, True, False, True])}
        >>> small = tfprune.rebuild(graph, keep)
        >>> images = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
        >>> better, found = tfprune.reconstruct(graph, keep, small, images)
        >>> found.after < found.before
        True
    """
    started = time.perf_counter()
    _check(graph, aim, passes, memory_gb, seed)
    kept = kept_ids(graph, keep)
    parts = with_parts(graph)
    pair = _pair(parts, kept, small)
    portions = portions_of(graph.model, data)
    observations = workers.from_chief(lambda: suitability(graph, portions[0]))  # it has them
    kept_steps = steps(graph.model, lambda: _identity(kept, small, portions, (aim, seed)))
    fitting = Fitting(parts, pair, Settings(aim=aim, seed=seed), kept_steps)
    watch = _Watch(teller(progress, "layers", len(fitting.plan.order) + passes), passes)
    with TensorStore(memory_gb * 1e9) as store:
        wanted, before, after = fitting.run(portions, store, watch.call)
    errors = _errors(wanted, before), _errors(wanted, after)
    pairs = workers.from_chief(lambda: list(zip(*errors, strict=True)))
    better = all(new < old for old, new in pairs)
    if not better:
        observations = [
            *observations,
            "the outputs got no better as a whole: the weights stay as they were",
        ]
    result = _result(graph, keep, small, pair if better else None)
    shown = [errors[0][0], (errors[1] if better else errors[0])[0]]
    if passes:
        working = outside(Builder(graph, kept, float32_if_half(graph.model)).build)
        found = moved_together(
            working, result, portions, wanted,
            passes=passes, seed=seed, watch=watch.one_pass, kept=kept_steps,
        )  # fmt: skip
        shown[1] *= min(found) / found[0] if found[0] else 1
        observations = [*observations, _told(found)]
    count = sum(portions.sizes)
    seconds = time.perf_counter() - started
    observations = [*observations, *_narrow(fitting, count)]
    return result, Reconstruction(tuple(fitting.fits), *shown, count, seconds, tuple(observations))


def _identity(kept: np.ndarray, small: keras.Model, portions: Portions, settings: object) -> str:
    """Return what tells a reconstruction of the same original from others."""
    cut = digest([kept, *small.get_weights()])
    return f"reconstruction {cut} {portions.fingerprint()} {settings}"


class _Watch:
    """Tells of the calls and the passes in one count."""

    def __init__(self, progress: Callable[[int, int], None], passes: int):
        self.progress, self.passes, self.done, self.calls = progress, passes, 0, 0

    def call(self, done: int, of: int) -> None:
        self.done, self.calls = done, of
        self.progress(done, of + self.passes)

    def one_pass(self) -> None:
        self.done += 1
        self.progress(self.done, self.calls + self.passes)


def _told(errors: Sequence[float]) -> str:
    """Say what the passes did."""
    best = int(np.argmin(errors))
    if best == 0:
        return f"{len(errors) - 1} passes over all weights together made nothing better"
    return (
        f"all weights together: the outputs' error times {errors[best] / errors[0]:.2f} after "
        f"{best} of {len(errors) - 1} passes"
    )


def _pair(graph: ChannelGraph, kept: np.ndarray, small: keras.Model) -> Pair:
    """Return working copies of the original and of the pruned model with its present weights."""
    if not isinstance(small, keras.Model):
        raise PruningError(
            f"reconstruct: expected the pruned keras.Model, received {type(small).__name__}. Make "
            "it with tfprune.rebuild(graph, keep)."
        )
    # Call by call, and each worker by itself: copies that a strategy divides would be in the way.
    pair = outside(lambda: Pair(graph, kept, float32_if_half(graph.model)))
    shapes = [[tuple(v.shape) for v in model.variables] for model in (pair.small, small)]
    if shapes[0] != shapes[1]:
        raise PruningError(
            f"reconstruct: model {small.name!r} is not what these keep masks leave of "
            f"{graph.model.name!r}: {_first_difference(pair.small, small)}. Pass the model that "
            "tfprune.rebuild(graph, keep) made."
        )
    assign_all(pair.small, small)
    return pair


def _first_difference(expected: keras.Model, received: keras.Model) -> str:
    for new, old in zip(expected.variables, received.variables, strict=False):
        if tuple(new.shape) != tuple(old.shape):
            return f"expected {new.path} of shape {tuple(new.shape)}, received {tuple(old.shape)}"
    return f"expected {len(expected.variables)} variables, received {len(received.variables)}"


def _result(
    graph: ChannelGraph, keep: Mapping[str, np.ndarray], small: keras.Model, pair: Pair | None
) -> keras.Model:
    """Return a model like the pruned one, with the weights of the pair or, without, its own."""
    model = rebuild(graph, keep)
    assign_all(model, small if pair is None else pair.small)
    compile_like(model, small)
    return model


def _errors(
    wanted: Sequence[Sequence[np.ndarray]], found: Sequence[Sequence[np.ndarray]]
) -> tuple[float, float]:
    """Return the squared difference over all outputs, over their spread: held out, and of all."""
    sums = np.zeros((2, 2))
    for whole, part in zip(zip(*wanted, strict=True), zip(*found, strict=True), strict=True):
        a, b = (np.concatenate(x).astype(np.float64) for x in (whole, part))
        held = slice(HELD - 1, None, HELD) if len(a) >= HELD else slice(None)
        difference, spread = (a - b) ** 2, (a - a.mean(axis=0)) ** 2
        sums += [[x[chosen].sum() for x in (difference, spread)] for chosen in (held, slice(None))]
    held, every = (float(above / (below or 1.0)) for above, below in sums)
    return held, every


def _narrow(fitting: Fitting, samples: int) -> list[str]:
    """Say for which layers there were fewer rows than columns."""
    few = [fit for fit in fitting.fits if not fit.skipped and fit.rows < 2 * fit.shape[1]]
    if not few:
        return []
    worst = max(few, key=lambda fit: fit.shape[1] / fit.rows)
    need = int(np.ceil(2 * worst.shape[1] / worst.rows * samples))
    return [
        f"{len(few)} layers have fewer than two positions per column ({worst.layer}: {worst.rows} "
        f"for {worst.shape[1]}): {need} samples would do, {samples} were given"
    ]


def _check(
    graph: ChannelGraph, aim: object, passes: object, memory_gb: object, seed: object
) -> None:
    if aim not in AIMS:
        raise unknown("aim of reconstruct", aim, AIMS)
    check_seed("passes", passes)
    check_seed("seed", seed)
    good = isinstance(memory_gb, Real) and not isinstance(memory_gb, bool) and memory_gb > 0
    if not good:
        raise PruningError(f"memory_gb must be a number above 0, in GB; received {memory_gb!r}.")
    stateful = [n for n, x in graph.owners.items() if getattr(x.operation, "stateful", False)]
    if stateful:
        raise PruningError(
            f"reconstruct: layer {stateful[0]!r} hands its state from one batch to the next, so "
            "that no sample can be looked at by itself. Reconstruct the model with stateful=False."
        )
