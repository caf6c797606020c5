"""Prove that a change of the code changes no figure: one dump before, one after, compared.

    python -m benchmarks.unchanged before.npz                # in the old tree
    python -m benchmarks.unchanged after.npz                 # in the new one
    python -m benchmarks.unchanged before.npz after.npz      # in any: the comparison

A dump holds scores of every criterion, keep masks, rebuilt and trained weights, losses and costs of
small seeded models. The script uses public names only and nothing else of its own tree, so that it
can look at an older one: `PYTHONPATH=OLD python NEW/benchmarks/unchanged.py before.npz`.

Equal to the bit is to be expected on one machine only; the script computes on one thread.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from threadpoolctl import threadpool_limits

import tfprune
import tfprune.data
import tfprune.schedules
import tfprune.training

CLASSES = 4
PLAIN = ("l1", "l2", "fpgm", "bn_scale", "random", "sfp")  # need no data
WITH_DATA = ("taylor", "gfbs", "fgp", "gfi", "hrank", "similarity", "fmc")
OPTIONS = {
    "gfbs": [{"w_beta": 0.05}, {"beta": "only"}, {"coupled": "pin"}],
    "fgp": [{"heat_norm": "none"}, {"gradient": "elementwise"}],
    "gfi": [{"spatial": "sum"}, {"coupled": "mean"}],
    "fmc": [{"index": "literal"}],
    "taylor": [{"coupled": "sum"}],
    "l1": [{"coupled": "leader"}],
    "random": [{"seed": 3}],
}
AMOUNTS = {
    "gfi": [{"threshold": 0.4}, {"macs": 0.8}, {"macs": 0.8, "cap": True}],
    "fgp": [{"threshold": 0.9}],
    "similarity": [{"threshold": 0.7}, {"macs": 0.6}, {"params": 0.6}],
}
COMMON = [
    {"ratio": 0.5},
    {"ratio": 0.4, "scope": "global", "min_channels": 2},
    {"macs": 0.5},
    {"params": 0.6, "round_to": 2},
]


def conv_norm(x: object, filters: int, name: str, **settings: object) -> object:
    """Return a convolution and its normalisation."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name, **settings)(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)


def head(x: object) -> object:
    """Return the probabilities of the classes."""
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return layers.Dense(CLASSES, activation="softmax", name="head")(x)


def residual() -> keras.Model:
    """Two blocks: an identity shortcut, and one with a stride and a projection."""
    image = keras.Input((12, 12, 3), name="image")
    x = layers.ReLU(name="stem_relu")(conv_norm(image, 8, "stem"))
    for block, (filters, strides) in enumerate([(8, 1), (12, 2)]):
        shortcut = x if strides == 1 else conv_norm(x, filters, "projection", strides=strides)
        y = conv_norm(x, filters, f"block{block}_a", strides=strides)
        y = conv_norm(layers.ReLU(name=f"block{block}_relu")(y), filters, f"block{block}_b")
        x = layers.ReLU(name=f"block{block}_out")(
            layers.Add(name=f"block{block}_add")([shortcut, y])
        )
    return keras.Model(image, head(x), name="residual")


def plain() -> keras.Model:
    """Convolutions with biases, pooling, Flatten and a hidden dense layer."""
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(8, 3, activation="relu", name="conv1")(image)
    x = layers.MaxPooling2D(name="pool1")(x)
    x = layers.Conv2D(10, 3, name="conv2")(x)
    x = layers.LeakyReLU(name="act2")(x)
    x = layers.Dense(12, activation="relu", name="hidden")(layers.Flatten(name="flat")(x))
    x = layers.Dropout(0.3, seed=7, name="dropout")(x)
    return keras.Model(image, layers.Dense(CLASSES, name="head")(x), name="plain")


def mobile() -> keras.Model:
    """An inverted residual with a depthwise convolution, a gate, and a concatenation."""
    image = keras.Input((12, 12, 3), name="image")
    x = layers.ReLU(6.0, name="stem_relu")(conv_norm(image, 8, "stem", strides=2))
    y = layers.ReLU(6.0, name="expand_relu")(conv_norm(x, 16, "expand"))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(y)
    y = layers.Activation("swish", name="depthwise_act")(
        layers.BatchNormalization(name="depthwise_bn")(y)
    )
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(y)
    gate = layers.Conv2D(16, 1, activation="sigmoid", name="excite")(gate)
    y = conv_norm(layers.Multiply(name="gated")([y, gate]), 8, "project")
    x = layers.Add(name="add")([x, y])
    x = layers.Concatenate(name="concat")([x, conv_norm(x, 6, "branch")])
    return keras.Model(image, head(layers.ReLU(name="last_relu")(x)), name="mobile")


def two_inputs() -> keras.Model:
    """An image and a vector that meet before the head."""
    image, extra = keras.Input((12, 12, 3), name="image"), keras.Input((5,), name="extra")
    x = layers.ReLU(name="relu")(conv_norm(image, 8, "conv"))
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(6, 3, name="second")(x))
    y = layers.Dense(6, activation="tanh", name="dense")(extra)
    x = layers.Concatenate(name="meet")([x, y])
    outputs = layers.Dense(CLASSES, activation="softmax", name="head")(x)
    return keras.Model([image, extra], outputs, name="two_inputs")


def seeded(build: Callable[[], keras.Model], seed: int = 0) -> keras.Model:
    """Return a model whose every weight comes from NumPy, also the moving statistics."""
    model, rng = build(), np.random.default_rng(seed)
    for layer in model.layers:
        given = layer.get_weights()
        drawn = [rng.normal(0, 1 / np.sqrt(max(1, w[..., 0].size)), w.shape) for w in given]
        if isinstance(layer, layers.BatchNormalization):
            shape = given[0].shape
            drawn = [rng.uniform(0.5, 1.5, shape), rng.normal(0, 0.2, shape)]
            drawn += [rng.normal(0, 0.2, shape), rng.uniform(0.5, 1.5, shape)]
        layer.set_weights([w.astype("float32") for w in drawn])
    return model


def data(name: str, count: int = 24) -> tuple[object, np.ndarray]:
    """Return inputs and labels; the classes differ in their brightness, so that they are learnt."""
    rng = np.random.default_rng(1)
    labels = np.arange(count) % CLASSES
    images = rng.normal(size=(count, 12, 12, 3)) + 0.5 * labels[:, None, None, None]
    images = images.astype("float32")
    extra = rng.normal(size=(count, 5)).astype("float32")
    return ([images, extra] if name == "two_inputs" else images), labels


class Dump(dict):
    """What was computed, by name; an entry that was refused says so, and why is in `refusals`."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: dict[str, str] = {}

    def keep(self, name: str, compute: Callable[[], object]) -> object:
        """Compute one entry; what is refused is an entry too.

        Args:
            name: the entry's; of a mapping's or a list's parts it is the beginning.
            compute: returns an array, a number, a list or a mapping.
        """
        try:
            value = compute()
        except tfprune.PruningError as error:
            self[name] = np.array("refused")
            self.refusals[name] = str(error)
            return None
        for key, part in _flat(name, value):
            self[key] = part
        return value


def _flat(name: str, value: object) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, keras.Model):
        value = [*value.get_weights()]
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(f"{name}/{key}", part)
    elif isinstance(value, (list, tuple)):
        for place, part in enumerate(value):
            yield from _flat(f"{name}/{place}", part)
    else:
        yield name, np.asarray(value)


def scored(dump: Dump, graph: tfprune.ChannelGraph, name: str) -> dict[str, tfprune.Scores]:
    """Dump the scores of all criteria; return those by their default options."""
    found = {}
    pair = data(name)
    batches = [(_part(pair[0], s), pair[1][s]) for s in (slice(0, 10), slice(10, 24))]
    for criterion in (*PLAIN, *WITH_DATA):
        given = None if criterion in PLAIN else batches
        workers = {"workers": 1} if criterion == "fmc" else {}
        for options in ({}, *OPTIONS.get(criterion, ())):
            scores = dump.keep(
                f"{name}/scores/{criterion}{_told(options)}",
                lambda c=criterion, g=given, o=options | workers: tfprune.score(graph, c, g, **o),
            )
            if scores is not None and not options:
                found[criterion] = scores
    return found


def _part(inputs: object, where: slice) -> object:
    return tuple(x[where] for x in inputs) if isinstance(inputs, list) else inputs[where]


def _told(options: Mapping[str, object]) -> str:
    return "".join(f" {key}={value}" for key, value in options.items())


def selected(dump: Dump, graph: tfprune.ChannelGraph, name: str, found: Mapping) -> dict:
    """Dump the keep masks of all criteria; return those that halve every layer by L1 norms."""
    for criterion, scores in found.items():
        common = () if criterion == "similarity" else COMMON
        for amount in (*common, *AMOUNTS.get(criterion, ())):
            dump.keep(
                f"{name}/masks/{criterion}{_told(amount)}",
                lambda s=scores, a=amount: tfprune.select(graph, s, **a),
            )
    return tfprune.select(graph, found["l1"], ratio=0.5)


def rebuilt(dump: Dump, graph: tfprune.ChannelGraph, name: str, keep: Mapping) -> keras.Model:
    """Dump what surgery and its proof give; return the smaller model."""
    small = tfprune.rebuild(graph, keep)
    dump.keep(f"{name}/rebuilt", lambda: small)
    inputs = data(name)[0]
    dump.keep(f"{name}/outputs", lambda: small(inputs).numpy())
    for convention in ("mac", "li", "thop"):
        dump.keep(f"{name}/cost {convention}", lambda c=convention: _cost(small, c))
    return small


def _cost(model: keras.Model, convention: str) -> tuple[int, int]:
    found = tfprune.cost(model, convention=convention)
    return found.macs, found.params


def trained(dump: Dump, model: keras.Model, small: keras.Model, name: str) -> None:
    """Dump weights and measurements of trainings that use every part of the loop."""
    pair, size = data(name), {"batch_size": 10}
    if name == "two_inputs":
        inputs, labels = pair
        pair, size = tf.data.Dataset.from_tensor_slices(((*inputs,), labels)).batch(10), {}
    settings = {
        "sgd": {"learning_rate": 0.05, "weight_decay": 1e-3, "nesterov": True},
        "validated": {"optimizer": "adam", "schedule": "cosine", "validation": data(name, 13),
                      "label_smoothing": 0.1, "clip_norm": 1.0},
        "taught": {"teacher": model, "schedule": "step", "decay_steps": (1,),
                   "weight_decay": 1e-3, "decay_all": False},
    }  # fmt: skip
    if name != "residual":
        settings = {"sgd": settings["sgd"]}  # one network is enough for the loop itself
    for kind, own in settings.items():
        dump.keep(f"{name}/trained {kind}", lambda o=own | size: _fine_tuned(small, pair, o))
    dump.keep(f"{name}/evaluated", lambda: tfprune.training.evaluate(small, pair))
    batches = pair if name == "two_inputs" else [pair[0][:10], pair[0][10:]]
    dump.keep(f"{name}/recalibrated", lambda: tfprune.training.recalibrate(small, batches))


def _fine_tuned(model: keras.Model, pair: object, settings: Mapping) -> list[object]:
    result, history = tfprune.fine_tune(model, pair, epochs=2, **settings)
    return [result, history.metrics]


def scheduled(dump: Dump) -> None:
    """Dump what the schedules make of the residual network."""
    model, pair = seeded(residual), data("residual")

    def tune(model: keras.Model, _name: str, callbacks: tuple = ()) -> keras.Model:
        settings = {"epochs": 1, "learning_rate": 0.02, "batch_size": 12, "callbacks": callbacks}
        return tfprune.fine_tune(model, pair, **settings)[0]

    graph = tfprune.analyse(model)
    keep = tfprune.select(graph, tfprune.score(graph, "l1", None), ratio=0.5)
    run = tfprune.schedules
    dump.keep("schedules/layerwise", lambda: run.layer_by_layer(model, keep, tune)[0])
    steps = {"method": "taylor", "ratio": 0.5, "steps": 2}
    dump.keep("schedules/iterative", lambda: run.iterative(model, [pair], tune, **steps)[0])
    dump.keep("schedules/soft", lambda: run.soft(model, None, tune, ratio=0.5)[0])


def pictures(dump: Dump) -> None:
    """Dump two batches of an epoch of the digits, shuffled and augmented."""
    split = tfprune.data.load("digits").train
    for augment in ("none", "shift_flip"):
        epoch = split.epochs(32, shuffle=True, seed=1, augment=augment).epoch(2)
        dump.keep(f"digits/{augment}", lambda e=epoch: [b.numpy() for p in e.take(2) for b in p])


def everything() -> Dump:
    """Return the whole dump."""
    dump = Dump()
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    for build in (residual, plain, mobile, two_inputs):
        model, name = seeded(build), build.__name__
        graph = tfprune.analyse(model)
        keep = selected(dump, graph, name, scored(dump, graph, name))
        trained(dump, model, rebuilt(dump, graph, name, keep), name)
    scheduled(dump)
    pictures(dump)
    return dump


def difference(before: np.ndarray, after: np.ndarray) -> str | None:
    """Return how two entries differ, in words; None where they are equal to the bit.

    Example:
        >>> difference(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
        'largest difference 0.5 (0.2 of the largest value)'
    """
    if before.dtype != after.dtype or before.shape != after.shape:
        return f"{before.dtype} {before.shape} became {after.dtype} {after.shape}"
    if np.array_equal(before, after):
        return None
    if not np.issubdtype(before.dtype, np.floating):
        return f"{np.count_nonzero(before != after)} of {before.size} values differ"
    worst = float(np.abs(before - after).max())
    scale = float(np.abs([before, after]).max())  # not 0: -0.0 beside 0.0 is no difference
    return f"largest difference {worst:.2g} ({worst / scale:.2g} of the largest value)"


def compared(before: Mapping, after: Mapping) -> list[str]:
    """Return a line for each entry that is not the same in both dumps."""
    lines = [f"{name}: only before" for name in before if name not in after]
    lines += [f"{name}: only after" for name in after if name not in before]
    both = {name: difference(before[name], after[name]) for name in before if name in after}
    return lines + [f"{name}: {what}" for name, what in both.items() if what]


def main() -> int:
    """Dump, or compare; return 1 where two dumps differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dump", type=Path, help="file to write, or to compare with the second")
    parser.add_argument("after", type=Path, nargs="?", help="file to compare the first with")
    given = parser.parse_args()
    if given.after is None:
        tf.get_logger().setLevel("ERROR")  # many small models: it warns of retracing
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        with threadpool_limits(1):
            dump = everything()
        np.savez_compressed(given.dump, **dump)
        print("\n".join(f"{name} was refused: {why}" for name, why in dump.refusals.items()))
        print(f"{given.dump}: {len(dump)} entries by {Path(tfprune.__file__).parent}")
        return 0
    before, after = (dict(np.load(path)) for path in (given.dump, given.after))
    lines = compared(before, after)
    print("\n".join([*lines, f"{len(before)} entries before, {len(lines)} lines of difference"]))
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
