"""Score, measure and recalibrate small models on 1 to 3 devices: `on_replicas OUT`.

A program of its own, since a processor cannot be divided into devices later.
"""

import os
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import criteria, plugins
from tfprune.criteria import fgp
from tfprune.data import Preprocessing
from tfprune.distribution import strategies, workers
from tfprune.passes.keeping import keeping
from tfprune.reconstruction import samples
from tfprune.reconstruction.tensor_store import TensorStore
from tfprune.training import predicting

METHODS = {
    name: plugins.find(criteria, name, "criterion").METHOD for name in plugins.names(criteria)
}
CRITERIA = tuple(METHODS)
MEASURED = (
    "evaluate", "recalibrate", "predict", "reconstruct", "sensitivity", "photographs",
    "streets",
)  # fmt: skip
REPLICAS = (0, 1, 2, 3)  # 0: no strategy at all
IMAGES = {"fmc": 4, "hrank": 4, "similarity": 4}  # one at a time; the others 32 at a time
OPTIONS = {"fmc": {"workers": 1, "cluster_stride": 4}}


def network():
    """A convolution with an activation of its own, one behind a normalisation, a softmax."""
    keras.utils.set_random_seed(1)
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(5, 3, activation="relu", name="first")(image)
    norm = layers.BatchNormalization(name="norm", gamma_initializer="random_normal")
    x = norm(layers.Conv2D(6, 3, padding="same", name="conv")(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(image, layers.Dense(3, "softmax", name="head")(x))


def data(count=75):
    """Batches of other sizes than any number of replicas divides."""
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(count, 6, 6, 2)).astype("float32"), np.arange(count) % 3
    return [(images[i : i + 30], labels[i : i + 30]) for i in range(0, count, 30)]


def scored(criterion, weights):
    """Return {layer: scores} of the network, built where the current strategy wants it."""
    model = network()
    model.set_weights(weights)
    given = data(IMAGES.get(criterion, 75)) if METHODS[criterion].needs_data else None
    return tfprune.score(tfprune.analyse(model), criterion, given, **OPTIONS.get(criterion, {}))


def measured(weights):
    """Return the figures of the network as {"evaluate": [of each]}."""
    model = network()
    model.set_weights(weights)
    return {"figures": np.array(list(tfprune.training.evaluate(model, data()).values()))}


def recalibrated():
    """Return new statistics behind a Dropout, whose masks must belong to the batch."""
    keras.utils.set_random_seed(1)
    norm = layers.BatchNormalization(name="norm", synchronized=True)
    image = keras.Input((6, 6, 2))
    model = keras.Model(image, norm(layers.Dropout(0.5, seed=3)(layers.Conv2D(5, 3)(image))))
    model.layers[1].kernel.assign(np.random.default_rng(1).normal(size=(3, 3, 2, 5)))
    norm = tfprune.training.recalibrate(model, data()).get_layer("norm")
    return {"mean": norm.moving_mean.value.numpy(), "variance": norm.moving_variance.value.numpy()}


def predicted():
    """Return the masks of photographs of several sizes, one of them alone in the last round."""
    rng, image = np.random.default_rng(1), keras.Input((8, 8, 3))
    convolution = layers.Conv2D(3, 3, padding="same", use_bias=False)
    model = keras.Model(image, convolution(image))
    convolution.kernel.assign(rng.normal(size=(3, 3, 3, 3)))
    fed = Preprocessing("photographs", "scale", (8, 8, 3), 255.0, (0,) * 3, (1,) * 3, tuple("abc"))
    pictures = [rng.integers(0, 256, (5 + n, 9, 3), np.uint8) for n in range(4)]
    return {str(n): x for n, x in enumerate(predicting.masks(model, fed, pictures))}


def reconstructed(weights):
    """Return kernels that were solved anew one by one and then moved together."""
    model = network()
    model.set_weights(weights)
    graph, keep = tfprune.analyse(model), {"first": np.arange(5) > 1, "conv": np.arange(6) > 2}
    small, devices, put = tfprune.rebuild(graph, keep), set(), TensorStore.put

    def noted(store, tensor):
        devices.add(tensor.device)
        return put(store, tensor)

    with mock.patch.object(TensorStore, "put", noted):
        found, _ = tfprune.reconstruct(graph, keep, small, data(), passes=2)
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    assert len(devices) == replicas // workers.count()  # each device has its portions
    return {name: found.get_layer(name).kernel.value.numpy() for name in ("conv", "head")}


def measured_amounts(weights):
    """Return the harm of every amount of each set of channels."""
    model = network()
    model.set_weights(weights)
    found = tfprune.sensitivity(tfprune.analyse(model), data())
    return {curve.layers[0]: curve.harm[:-1] for curve in found.curves}


def on_photographs():
    """Return what is found on photographs of which some are damaged, a whole batch of one too."""
    keras.utils.set_random_seed(1)
    image = keras.Input((16, 24, 3))
    x = layers.Conv2D(5, 3, strides=4, name="conv")(image)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    head = layers.Dense(3, "softmax", kernel_initializer=keras.initializers.RandomNormal(seed=1))
    model = keras.Model(image, head(layers.GlobalAveragePooling2D()(x)))
    model.layers[1].kernel.assign(np.random.default_rng(1).normal(size=(3, 3, 3, 5)))
    split = tfprune.data.load("folder", data_dir=os.environ["PICTURES"], validation_size=0).train
    graph, drawn = tfprune.analyse(model), split.epochs(4, shuffle=True, limit=30)
    norm = tfprune.training.recalibrate(model, split.epochs(3), limit=7).get_layer("norm")
    with tempfile.TemporaryDirectory() as folder, keeping(Path(folder)):
        kept = [tfprune.score(graph, "hrank", drawn)["conv"] for _ in range(2)]
    np.testing.assert_array_equal(*kept)
    keep = {"conv": np.arange(5) > 1}
    small = tfprune.rebuild(graph, keep)
    solved, told = tfprune.reconstruct(graph, keep, small, drawn, passes=1)
    return {
        "solved": solved.layers[-1].kernel.value.numpy(),
        "samples": np.array([told.samples, 0]),
        "figures": np.array(list(tfprune.training.evaluate(model, split.epochs(5)).values())),
        "small batches": np.array([tfprune.training.evaluate(model, split.epochs(1))["loss"], 0]),
        "mean": norm.moving_mean.value.numpy(),
        "skipped": np.array([sum(map(ord, name[-9:])) for name in split.skipped]),
        "hrank": kept[0],
        "few": tfprune.score(graph, "fgp", drawn, images_per_class=3)["conv"],
        "fmc": tfprune.score(graph, "fmc", split.epochs(4, limit=7), **OPTIONS["fmc"])["conv"],
        **{
            name: tfprune.score(graph, name, drawn)["conv"]
            for name in ("taylor", "gfbs", "gfi", "similarity", "fgp")
        },
    }


def on_streets():
    """Return what "fgp" finds on masks, of few images of each class and of all."""
    keras.utils.set_random_seed(1)
    image = keras.Input((24, 32, 3))
    x = layers.ReLU()(layers.Conv2D(5, 3, padding="same", name="conv")(image))
    model = keras.Model(image, layers.Conv2D(3, 1, name="classes")(x))
    train = tfprune.data.load("voc", data_dir=os.environ["STREETS"]).train
    graph, drawn = tfprune.analyse(model), train.epochs(4, shuffle=True)
    found = {
        str(most): fgp.class_support(graph, drawn, images_per_class=most, task="segmentation")
        for most in (3, None)
    }
    return {most: support["conv"] for most, support in found.items()}


def found_by(case, weights):
    """Return {name: array} of what a criterion, or one of `MEASURED`, finds."""
    samples.PORTION = 10  # else all were one worker's
    if case in CRITERIA:
        return scored(case, weights)
    given = {
        "evaluate": measured, "reconstruct": reconstructed, "sensitivity": measured_amounts,
    }  # fmt: skip
    if case in given:
        return given[case](weights)
    others = {"recalibrate": recalibrated, "predict": predicted, "photographs": on_photographs}
    others |= {"streets": on_streets}
    return others[case]()


def replicas(case):
    """The numbers of replicas that a case is tried on: without data there is nothing to divide."""
    if case in ("photographs", "streets"):
        return (0, 3)
    return REPLICAS if case in MEASURED or METHODS[case].needs_data else (0, 2)


def main(path):
    """Write {case/replicas/layer: what was found}."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * max(REPLICAS)
    tf.config.set_logical_device_configuration(cpu, devices)
    weights, found = network().get_weights(), {}
    for count in REPLICAS:
        names = [f"CPU:{i}" for i in range(count)]
        strategy = tf.distribute.MirroredStrategy(names) if count else None
        for case in (case for case in (*CRITERIA, *MEASURED) if count in replicas(case)):
            with strategy.scope() if count else nullcontext():
                values = found_by(case, weights)
            found |= {f"{case}/{count}/{name}": value for name, value in values.items()}
    np.savez(path, **found)


def on_workers(path):
    """Write the same of the workers that the environment names, each into a file of its own."""
    found = {}
    with strategies.make("multi_worker").scope():
        weights = strategies.outside(lambda: network().get_weights())
        for case in (*CRITERIA, *MEASURED):
            values = found_by(case, weights)
            found |= {f"{case}/workers/{name}": value for name, value in values.items()}
        np.savez(f"{path}{workers.number()}.npz", **found)


if __name__ == "__main__":
    (on_workers if "TF_CONFIG" in os.environ else main)(sys.argv[1])
