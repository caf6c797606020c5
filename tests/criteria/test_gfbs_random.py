"""GFBS on random small networks against a forward pass in NumPy that is differentiated exactly."""

import contextlib

import keras
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune

STEP = 1e-30  # of the complex step: nothing is subtracted, so no digit is lost
EPSILON = 1e-3  # of batch normalisation
NUMBERS = (1, 2, 3)  # of the convolutions and their normalisations


@contextlib.contextmanager
def double_precision():
    """Layers and the loss of Keras in float64."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


def random_weights(rng, widths, classes):
    weights = {"head": rng.normal(size=(widths[-1], classes))}
    for number, read, width in zip(NUMBERS, (2, *widths), widths, strict=False):
        weights[f"conv{number}"] = rng.normal(size=(2, 2, read, width))
        weights[f"bn{number}"] = rng.normal(size=(2, width))  # gamma, beta
    return weights


def network(weights, *, residual):
    """Three times convolution and normalisation, with or without a sum around the last two."""
    image = keras.Input((4, 4, 2))

    def block(x, number):
        width = weights[f"conv{number}"].shape[-1]
        conv = layers.Conv2D(width, 2, padding="same", use_bias=False, name=f"conv{number}")
        return layers.BatchNormalization(epsilon=EPSILON, name=f"bn{number}")(conv(x))

    x = layers.ReLU()(block(image, 1))
    y = block(layers.ReLU()(block(x, 2)), 3)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, y]) if residual else y))
    x = layers.Dense(weights["head"].shape[-1], use_bias=False, name="head")(x)
    model = keras.Model(image, x)
    for name, values in weights.items():
        layer = model.get_layer(name)
        layer.set_weights([*values, *layer.get_weights()[2:]] if name[0] == "b" else [values])
    return tfprune.analyse(model)


def naive_loss(weights, images, labels, gammas, residual):
    """The mean cross-entropy on batch statistics, complex numbers carried through."""

    def block(x, number):
        kernel, padded = weights[f"conv{number}"], np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
        y = sum(padded[:, i : i + 4, j : j + 4] @ kernel[i, j] for i in (0, 1) for j in (0, 1))
        y = y - y.mean((0, 1, 2))
        y = y / np.sqrt((y * y).mean((0, 1, 2)) + EPSILON)
        return gammas[number] * y + weights[f"bn{number}"][1]

    def relu(x):
        return np.where(x.real > 0, x, 0)

    x = relu(block(images, 1))
    y = block(relu(block(x, 2)), 3)
    logits = relu(x + y if residual else y).mean((1, 2)) @ weights["head"]
    right = logits[np.arange(len(labels)), labels]
    return (np.log(np.exp(logits).sum(1)) - right).mean()


def naive_gradient(weights, images, labels, residual):
    """{number: dL/dgamma}, one channel after the other."""
    gradient = {}
    for number in NUMBERS:
        gradient[number] = np.zeros(len(weights[f"bn{number}"][0]))
        for c in range(len(gradient[number])):
            gammas = {n: weights[f"bn{n}"][0].astype(complex) for n in NUMBERS}
            gammas[number][c] += 1j * STEP
            loss = naive_loss(weights, images, labels, gammas, residual)
            gradient[number][c] = loss.imag / STEP
    return gradient


def naive_scores(weights, batches, w_beta, mode, residual):
    of_batches = [naive_gradient(weights, *batch, residual) for batch in batches]
    terms = {}
    for number in NUMBERS:
        gamma, beta = weights[f"bn{number}"]
        weighted = [len(b[1]) * g[number] for b, g in zip(batches, of_batches, strict=True)]
        gradient = sum(weighted) / sum(len(labels) for _, labels in batches)
        vectors = (np.abs(gamma), np.abs(gradient), beta)
        terms[number] = [vector / (np.sqrt((vector**2).sum()) + 1e-12) for vector in vectors]
    if residual:  # the first and the third live or die together: each term is averaged
        terms[1] = terms[3] = [(a + b) / 2 for a, b in zip(terms[1], terms[3], strict=True)]
    scores = {}
    for number, (gamma, flow, beta) in terms.items():
        first, second = gamma * flow, (w_beta or 0) * beta
        scores[f"conv{number}"] = {"add": first + second, "off": first, "only": second}[mode]
    return scores


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    widths, classes = draw(st.tuples(*[st.integers(1, 4)] * 3)), draw(st.integers(2, 3))
    residual = draw(st.booleans())
    if residual:
        widths = (*widths[:2], widths[0])
    sizes = draw(st.lists(st.integers(2, 5), min_size=1, max_size=2))
    batches = [(rng.normal(size=(n, 4, 4, 2)), rng.integers(0, classes, n)) for n in sizes]
    return random_weights(rng, widths, classes), batches, residual


@settings(  # without shrinking, which would retrace for minutes
    max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate]
)
@given(cases(), st.sampled_from([("add", 0.05), ("add", 0.7), ("off", None), ("only", 0.7)]))
def test_scores_agree_with_an_exact_derivative(case, option):
    mode, w_beta = option
    weights, batches, residual = case
    with double_precision():
        graph = network(weights, residual=residual)
        scores = tfprune.score(graph, "gfbs", batches, beta=mode, w_beta=w_beta)
    for name, expected in naive_scores(weights, batches, w_beta, mode, residual).items():
        np.testing.assert_allclose(scores[name], expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("residual", [False, True])
def test_the_naive_loss_is_the_network_s(residual):
    rng = np.random.default_rng(3)
    weights = random_weights(rng, (3, 2, 3), 2)
    images, labels = rng.normal(size=(4, 4, 4, 2)), np.array([0, 1, 1, 0])
    with double_precision():
        model = network(weights, residual=residual).model
        logits = np.asarray(model(images, training=True))
    expected = -np.mean(
        [row[k] - np.log(np.exp(row).sum()) for row, k in zip(logits, labels, strict=True)]
    )
    gammas = {number: weights[f"bn{number}"][0] for number in NUMBERS}
    found = naive_loss(weights, images, labels, gammas, residual)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
