"""Linear networks whose lost channels are combinations of the kept ones."""

import keras
import numpy as np
from keras import layers

import tfprune
from tests.toy_models import randomize

LOST = (4, 5)  # of six channels
KEEP = np.array([True] * 4 + [False] * 2)
MIX = np.random.default_rng(3).normal(size=(4, 2)).astype("float32")


def combine(*made, lost=LOST, mix=MIX, constant=0.0):
    """Make the last axis' lost channels of layers the combinations `mix` of the kept ones.

    Args:
        made: layers with a kernel [..., channels] and perhaps a bias.
        lost: which channels.
        mix: [kept, lost].
        constant: added to the lost channels' bias.
    """
    for layer in made:
        kernel = layer.kernel.numpy()
        kept = [c for c in range(kernel.shape[-1]) if c not in lost]
        kernel[..., list(lost)] = kernel[..., kept] @ mix
        layer.kernel.assign(kernel)
        if layer.bias is not None:
            bias = layer.bias.numpy()
            bias[list(lost)] = bias[kept] @ mix + constant
            layer.bias.assign(bias)


def samples(model, count=60, seed=1):
    """Return random samples, nested as the model's inputs."""
    rng = np.random.default_rng(seed)
    drawn = [rng.normal(size=(count, *x.shape[1:])).astype("float32") for x in model.inputs]
    return keras.tree.pack_sequence_as(model.input, drawn)


def outputs(model, data):
    """Return a model's outputs as a flat list of arrays."""
    return [np.asarray(y) for y in keras.tree.flatten(model(data, training=False))]


def distance(model, wanted, data):
    """Return the largest difference of outputs, as a share of the wanted ones' scale."""
    return max(
        float(np.abs(y - x).max() / np.abs(x).max())
        for x, y in zip(wanted, outputs(model, data), strict=True)
    )


def behind_dense(reader, shape, **constant):
    """Return a model that reads a Dense layer `made` of six channels, two of them combinations.

    Args:
        reader: takes the made tensor and gives the output.
        shape: of a sample without its channels.
        constant: as for `combine`.
    """
    image = keras.Input((*shape, 5))
    made = layers.Dense(6, name="made")
    model = keras.Model(image, reader(made(image)))
    randomize(model)
    combine(made, **constant)
    return model


def assert_recovered(model, keep, count=60, **options):
    """Assert that a reconstruction gives the original's outputs back; return what it reports."""
    graph, data = tfprune.analyse(model), samples(model, count)
    small = tfprune.rebuild(graph, keep)
    wanted = outputs(model, data)
    assert distance(small, wanted, data) > 0.02  # else there is nothing to recover
    better, found = tfprune.reconstruct(graph, keep, small, [(data, None)], **options)
    assert distance(better, wanted, data) < 1e-4, str(found)
    fresh = samples(model, 7, seed=2)
    assert distance(better, outputs(model, fresh), fresh) < 1e-4
    return found
