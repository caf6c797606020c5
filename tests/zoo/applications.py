"""Every builder of keras.applications, found, with weights that prove something."""

import keras
import numpy as np
from keras import applications

# Each map is still larger than one pixel before the last pooling; builders accept from 75 on.
SIZE = 96
_CLASSES = 10


def names() -> list[str]:
    """Return the names of all builders that keras.applications exports."""
    return sorted(
        name
        for name in dir(applications)
        if name[0].isupper() and callable(getattr(applications, name))
    )


def build(name: str, seed: int = 0, size: int = SIZE) -> keras.Model:
    """Return a network with its own head, no softmax, and lively normalisations.

    A softmax would hide differences, and BatchNormalization as it starts (variance 1, offset 0)
    hides a channel that is removed in the wrong place. The statistics are those of random images,
    so that the numbers stay of one order through hundreds of layers, shaken by the seed.

    Args:
        name: a builder of keras.applications.
        seed: seed of all random numbers.
        size: height and width of the input.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    builder = getattr(applications, name)
    model = builder(weights=None, input_shape=(size, size, 3), classifier_activation=None)
    enliven(model, images(model, seed), seed)
    return model


def images(model: keras.Model, seed: int, count: int = 4) -> np.ndarray:
    """Return random images [count, height, width, 3] in [0, 255]."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 255, (count, *model.inputs[0].shape[1:])).astype("float32")


def enliven(model: keras.Model, batch: np.ndarray, seed: int) -> None:
    """Give every normalisation random scales, offsets and statistics near those of the batch."""
    rng = np.random.default_rng(seed)
    norms = [x for x in model._flatten_layers() if isinstance(x, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum, norm.former = 0.0, norm.momentum
    model(batch, training=True)
    for layer in norms:
        layer.momentum = layer.former
    for weight in model.weights:
        low, high = _RANGES.get(weight.name, (None, None))
        if low is None:
            continue
        noise = rng.uniform(low, high, weight.shape)
        moving = weight.name.startswith("moving_variance")
        weight.assign(weight.numpy() * noise if moving else weight.numpy() + noise)


# Added to what is there; a variance is multiplied.
_RANGES = {
    "gamma": (-0.3, 0.3),
    "beta": (-0.3, 0.3),
    "bias": (-0.1, 0.1),
    "moving_mean": (-0.1, 0.1),
    "moving_variance": (0.7, 1.4),
}
