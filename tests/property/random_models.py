"""Random models of images and of sequences, built and enlivened."""

import random
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tests.property import image_steps, sequence_steps
from tests.property.growing import Growth, classes, enliven
from tfprune.surgery.keras_faults import batch_sizes
from tfprune.surgery.sample_inputs import random_inputs


def image_models(choices: random.Random, at_most: int = 6) -> keras.Model:
    """Return a random model of one or two images, with one to four outputs."""
    keras.utils.clear_session(free_memory=False)  # collecting garbage takes a third of the time
    g = Growth(choices)
    for _ in range(g.one_of(1, 1, 2)):
        image = keras.Input((g.one_of(6, 4, 5), 6, 3), name=g.name("image"))
        g.inputs.append(image)
        g.tensors.append(image_steps.conv(g, image))
    g.grow(image_steps.STEPS, at_most)
    return _finished(g)


def sequence_models(choices: random.Random, at_most: int = 4) -> keras.Model:
    """Return a random model of a sequence of numbers, of tokens or of words."""
    keras.utils.clear_session(free_memory=False)  # collecting garbage takes a third of the time
    g = Growth(choices)
    kind = g.one_of("tokens", "numbers", "words")
    if kind != "numbers":
        dtype = "string" if kind == "words" else "int32"
        given = keras.Input((1,) if kind == "words" else (4,), dtype=dtype, name=g.name(kind))
        tokens = given
        if kind == "words":
            tokens = layers.TextVectorization(
                vocabulary=["a", "b", "c"], output_sequence_length=4, name=g.name("vectors")
            )(given)
        x = layers.Embedding(5, g.size(), name=g.name("embedding"))(tokens)
        g.inputs.append(given)
    else:
        numbers = keras.Input((4, 3), name=g.name("numbers"))
        x = layers.Dense(g.size(), name=g.name("start"))(numbers)
        g.inputs.append(numbers)
    g.tensors.append(x)
    g.grow(sequence_steps.STEPS, at_most)
    return _finished(g)


def drawn_inputs(model: keras.Model, seed: int) -> Any:
    """Return a batch for a random model: numbers, or words of which some are unknown."""
    if model.inputs[0].dtype != "string":
        return random_inputs(model, seed)
    rng = np.random.default_rng(seed)
    count = next(batch_sizes(model, least=4))
    texts = [" ".join(rng.choice(["a", "b", "c", "other"], 4)) for _ in range(count)]
    return [tf.constant(texts)[:, None]]


def _finished(g: Growth) -> keras.Model:
    ends = [g.tensors[-1]]
    if g.one_of(False, True):
        ends.append(g.one_of(*g.tensors))
    outputs = [classes(g, x) for x in ends]
    if g.one_of(False, False, True):
        outputs.append(ends[-1] + 1.0)  # a silent output would prove nothing
    # An input that leads nowhere would make no model.
    outputs += [classes(g, x) for x in g.tensors[1 : len(g.inputs)]]
    model = keras.Model(g.inputs, outputs if len(outputs) > 1 else outputs[0], name="random")
    enliven(model, seed=g.random.randint(0, 99))
    return model
