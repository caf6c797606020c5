"""A pruned model as an instance of the class of the model it came from, where its config allows."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import read
from tfprune.graph.opening.opened import opened_where_possible
from tfprune.surgery.equality import compare
from tfprune.surgery.responses import responses
from tfprune.surgery.sample_inputs import random_inputs

_TRIES = 256
_TOLERANCE = 1e-5


def as_class(small: keras.Model, model: keras.Model) -> keras.Model:
    """Return a pruned model as a smaller configuration of the original's class.

    `tfprune.rebuild` returns a functional model of stock layers. Where the same was cut from every
    block (`ratio=0.5` with `scope="layer"` does), the class of the original may be able to say so
    by its own arguments, as a backbone of keras-hub by a smaller `intermediate_dim`: then its
    tokenizer, preprocessor and tasks go on working.

    Args:
        small: what `tfprune.rebuild` or `tfprune.prune` made of `model`.
        model: the original; its `get_config` tells the arguments of its class.

    Returns:
        A new model of the original's class with the weights of `small`, not compiled. Its outputs
        equal those of `small` on random inputs to 1e-5 of their scale.

    Raises:
        PruningError: the class has no config, or no configuration of it has these sizes.

    Example:
        >>> import keras, tfprune
        >>> class Net(keras.Model):
        ...     def __init__(self, hidden, **kwargs):
        ...         x = keras.Input((4,))
        ...         y = keras.layers.Dense(2)(keras.layers.Dense(hidden, name="inner")(x))
        ...         super().__init__(x, y, **kwargs)
        ...         self.hidden = hidden
        ...     def get_config(self):
        ...         return {"hidden": self.hidden, "name": self.name}
        >>> small, _ = tfprune.prune(net := Net(8), method="l1", ratio=0.5)
        >>> tfprune.as_class(small, net).hidden
        4
    """
    kind = type(model)
    try:
        config = model.get_config()
    except NotImplementedError as error:
        raise PruningError(
            f"{kind.__name__} has no get_config, so that none of its configurations can be made. "
            "Keep the functional model, or write get_config and from_config."
        ) from error
    opened, _ = opened_where_possible(model)
    sizes = _cut_sizes(opened, small)
    useless: set[tuple[str, int]] = set()  # changes that no cut of channels alone explains
    for changes in itertools.islice(_configurations(config, sizes, useless), _TRIES):
        made = _made(kind, {**config, **changes})
        if made is None:
            continue
        if made.count_params() == small.count_params() and _take_weights(made, small):
            return made
        between = small.count_params() <= made.count_params() < model.count_params()
        if len(changes) == 1 and not (between and len(made.weights) == len(model.weights)):
            useless.update(changes.items())
    cut = ", ".join(f"{old} to {sorted(new)}" for old, new in sizes.items())
    raise PruningError(
        f"No configuration of {kind.__name__} has the sizes of the pruned model {small.name!r}: "
        f"axes of weights went from {cut}. Cut the same number from every block (a ratio with "
        "scope='layer'), only what an argument of the class counts (include=), or keep the "
        "functional model."
    )


def _made(kind: type[keras.Model], config: dict[str, Any]) -> keras.Model | None:
    try:
        return kind.from_config(config)
    except Exception:  # whatever a class says of sizes that do not fit together
        return None


def _cut_sizes(model: keras.Model, small: keras.Model) -> dict[int, set[int]]:
    """Return {old size: new sizes} of the weights' axes that became shorter."""
    found: dict[int, set[int]] = {}
    pairs = list(zip(model.weights, small.weights, strict=False))
    if len(model.weights) != len(small.weights) or any(x.ndim != y.ndim for x, y in pairs):
        raise PruningError(
            f"Model {small.name!r} is not what was left of model {model.name!r}: it has "
            f"{len(small.weights)} weights for {len(model.weights)}. Pass the model that it was "
            "pruned from."
        )
    for x, y in pairs:
        for old, new in zip(x.shape, y.shape, strict=True):
            if old != new:
                found.setdefault(old, set()).add(new)
    return found


def _configurations(
    config: Mapping[str, Any], sizes: Mapping[int, set[int]], useless: set[tuple[str, int]]
) -> Iterator[dict[str, int]]:
    """Yield changes of whole numbers in a config, those of few arguments first.

    An argument may be a size itself, or count it in parts or in multiples, as heads do; those that
    are sizes come first. What is found to be useless meanwhile, such as a number of blocks, is not
    tried together with others.
    """
    numbers = {k: v for k, v in config.items() if isinstance(v, int) and not isinstance(v, bool)}
    shares = {(new, old) for old, news in sizes.items() for new in news}
    parts = {
        key: {value * a // b for a, b in shares if value * a % b == 0 and value * a >= b}
        for key, value in numbers.items()
    }
    for options in ({key: sizes.get(value, set()) for key, value in numbers.items()}, parts):
        keys = [key for key in numbers if options[key]]
        for count in range(len(keys) + 1):
            for chosen in itertools.combinations(keys, count):
                for values in itertools.product(*(sorted(options[key]) for key in chosen)):
                    changes = dict(zip(chosen, values, strict=True))
                    if useless.isdisjoint(changes.items()):
                        yield changes


def _take_weights(made: keras.Model, small: keras.Model) -> bool:
    """Give a model the weights of its opened form; return whether both then compute the same.

    Which weight became which shows where random numbers come out.
    """
    rng = np.random.default_rng(0)
    floats = [x for x in made.weights if "float" in x.dtype]
    for x in floats:
        x.assign(rng.uniform(0.5, 1.5, x.shape))
    marks = {read(x).tobytes(): x for x in floats}
    opened, _ = opened_where_possible(made)
    theirs = [x for x in opened.weights if "float" in x.dtype]
    ours = [x for x in small.weights if "float" in x.dtype]
    if [x.shape for x in theirs] != [x.shape for x in ours]:
        return False
    found = [marks.get(read(x).tobytes()) for x in theirs]
    if any(x is None for x in found) or len({id(x) for x in found}) != len(floats):
        return False
    for x, y in zip(found, ours, strict=True):
        x.assign(np.reshape(read(y), x.shape))
    inputs = random_inputs(small, 0, unknown=4)
    gaps = compare(responses(small, inputs), responses(made, inputs))
    return all(gap.is_finite and gap.share <= _TOLERANCE for gap in gaps)
