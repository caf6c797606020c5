"""Taylor-FO-BN against gradients of gates, sample by sample."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.criteria import taylor

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((7, 6, 6, 2)).astype("float32")
LABELS = RNG.integers(0, 3, 7)


def network(softmax=False, dropout=False, shared=False):
    """conv -> bn -> relu, then a convolution without normalisation, then the classes."""
    keras.utils.set_random_seed(1)
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(4, 3, name="conv")(image)
    x = layers.ReLU(name="relu1")(layers.BatchNormalization(name="bn")(x))
    bare = layers.Conv2D(4, 1, name="bare", activation="relu")
    x = bare(bare(x)) if shared else bare(x)
    x = layers.Dropout(0.5)(x) if dropout else x
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(3, activation="softmax" if softmax else None, name="head")(x)
    model = keras.Model(image, x)
    rng = np.random.default_rng(2)
    for weight in model.get_layer("bn").weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def score(model, batches=(IMAGES, LABELS)):
    return tfprune.score(tfprune.analyse(model), "taylor", batches)


def cross_entropy(logits, label):
    return keras.losses.sparse_categorical_crossentropy(np.array([label]), logits, from_logits=True)


def reference(model):
    """{layer: mean over samples of squared gradients}, each sample run on its own."""
    squares = {"conv": [], "bare": [], "head": []}
    norm, bare, head = (model.get_layer(name) for name in ("bn", "bare", "head"))
    behind_conv = keras.Model(model.inputs[0], norm.output)
    for image, label in zip(IMAGES, LABELS, strict=True):
        gates = [tf.Variable(tf.ones(n)) for n in (4, 4, 3)]
        with tf.GradientTape() as tape:
            x = bare(tf.nn.relu(behind_conv(image[None], training=False) * gates[0])) * gates[1]
            logits = head(tf.reduce_mean(x, [1, 2])) * gates[2]
            loss = cross_entropy(logits, label)
        for name, gradient in zip(squares, tape.gradient(loss, gates), strict=True):
            squares[name].append(np.float64(gradient) ** 2)
    return {name: np.mean(values, 0) for name, values in squares.items()}


def test_scores_equal_gates_of_ones_sample_by_sample():
    model = network()
    scores, expected = score(model), reference(model)
    assert set(scores) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(scores[name], values, rtol=1e-4)
        assert values.all()


def test_behind_a_normalisation_this_is_the_paper_s_equation_8():
    """Squares of gamma dL/dgamma + beta dL/dbeta."""
    model = network()
    norm, squares = model.get_layer("bn"), []
    for image, label in zip(IMAGES, LABELS, strict=True):
        with tf.GradientTape() as tape:
            loss = cross_entropy(model(image[None], training=False), label)
        scale, shift = tape.gradient(loss, [norm.gamma.value, norm.beta.value])
        squares.append(np.float64(norm.gamma * scale + norm.beta * shift) ** 2)
    np.testing.assert_allclose(score(model)["conv"], np.mean(squares, 0), rtol=1e-4)


def flat_model(weights, bias):
    """A convolution that hands its input on, ReLU, the mean, and the classes."""
    size, channels = 2, len(weights)
    image = keras.Input((size, size, channels))
    x = layers.Conv2D(channels, 1, use_bias=False, name="conv")(image)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    model = keras.Model(image, layers.Dense(len(bias), name="head")(x))
    model.get_layer("conv").set_weights([np.eye(channels)[None, None]])
    model.get_layer("head").set_weights([weights, bias])
    return model


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(2, 4), st.integers(1, 5), st.integers(0, 10**6))
def test_scores_equal_naive_loops(channels, classes, count, seed):
    rng = np.random.default_rng(seed)
    maps = rng.integers(-8, 9, (count, 2, 2, channels)) / 4
    weights, bias = rng.integers(-8, 9, (channels, classes)) / 8, rng.standard_normal(classes)
    labels = rng.integers(0, classes, count)
    expected = np.zeros(channels)
    for x, label in zip(maps, labels, strict=True):
        means = np.maximum(x, 0).mean((0, 1))
        logits = means @ weights + bias
        errors = np.exp(logits) / np.exp(logits).sum() - np.eye(classes)[label]
        for c in range(channels):
            expected[c] += (means[c] * (weights[c] @ errors)) ** 2 / count
    scores = score(flat_model(weights, bias), (np.float32(maps), labels))["conv"]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-12)


def test_scores_do_not_depend_on_batches_or_the_order_of_images():
    model = network()
    parts = [(IMAGES[i], LABELS[i]) for i in (slice(5, 7), slice(0, 1), slice(1, 5))]
    whole, pieces = score(model), score(model, parts)
    for name, values in whole.items():
        np.testing.assert_allclose(pieces[name], values, rtol=1e-6)


def test_softmax_dropout_and_column_labels_change_nothing():
    expected = score(network())
    softmax = score(network(softmax=True), (IMAGES, LABELS[:, None].astype("float32")))
    dropout = network(dropout=True)
    dropout.set_weights(network().get_weights())  # a dropout draws a seed, which moves the rest
    dropout = score(dropout)
    for name, values in expected.items():
        np.testing.assert_allclose(softmax[name], values, rtol=1e-5)
        np.testing.assert_allclose(dropout[name], values, rtol=1e-6)


def test_a_normalisation_that_is_not_the_only_reader_does_not_hold_the_gate():
    """The gate would else miss what flows past the normalisation."""
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(3, 3, name="conv")(image)
    x = layers.Add()([layers.BatchNormalization(name="bn", beta_initializer="ones")(x), x])
    model = keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    squares = []
    for image, label in zip(IMAGES, LABELS, strict=True):
        made = model.get_layer("conv")(image[None])
        with tf.GradientTape() as tape:
            gate = tf.Variable(tf.ones(3))
            y = model.get_layer("bn")(made * gate, training=False) + made * gate
            logits = model.layers[-1](tf.reduce_mean(y, [1, 2]))
            loss = cross_entropy(logits, label)
        squares.append(np.float64(tape.gradient(loss, gate)) ** 2)
    np.testing.assert_allclose(score(model)["conv"], np.mean(squares, 0), rtol=1e-4)


def test_a_layer_called_twice_has_one_gate():
    model = network(shared=True)
    squares = []
    before = keras.Model(model.inputs[0], model.get_layer("relu1").output)
    bare, head = model.get_layer("bare"), model.get_layer("head")
    for image, label in zip(IMAGES, LABELS, strict=True):
        with tf.GradientTape() as tape:
            gate = tf.Variable(tf.ones(4))
            x = bare(bare(before(image[None])) * gate) * gate
            loss = cross_entropy(head(tf.reduce_mean(x, [1, 2])), label)
        squares.append(np.float64(tape.gradient(loss, gate)) ** 2)
    scores = taylor.score(tfprune.analyse(model), (IMAGES, LABELS))  # its own, not coupled ones
    np.testing.assert_allclose(scores["bare"], np.mean(squares, 0), rtol=1e-4)


def segmentation():
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 6, 2))
    x = layers.ReLU()(layers.Conv2D(4, 3, padding="same", name="conv")(image))
    return keras.Model(image, layers.Conv2D(3, 1, name="head")(x))


def test_pixels_without_a_class_do_not_count():
    model = segmentation()
    masks = RNG.integers(0, 3, (7, 6, 6))
    masks[:, :2] = 255
    masks[0] = 255  # no pixel counts: the sample's loss is zero
    squares = []
    for image, mask in zip(IMAGES, masks, strict=True):
        made = tf.nn.relu(model.get_layer("conv")(image[None]))
        with tf.GradientTape() as tape:
            gate = tf.Variable(tf.ones(4))
            logits = model.get_layer("head")(made * gate)[0]
            counted = tf.boolean_mask(logits, mask < 255)
            losses = keras.losses.sparse_categorical_crossentropy(
                mask[mask < 255], counted, from_logits=True
            )
            loss = tf.reduce_mean(losses) if len(losses) else tf.reduce_sum(gate * 0)
        squares.append(np.float64(tape.gradient(loss, gate)) ** 2)
    scores = score(model, (IMAGES, np.uint8(masks)[..., None]))
    np.testing.assert_allclose(scores["conv"], np.mean(squares, 0), rtol=1e-4)


def test_half_precision_is_scored_in_float32():
    expected = score(network())
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = network()
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(score(half)["conv"], expected["conv"], rtol=1e-5)


def test_scoring_leaves_the_model_as_it_was():
    model = network(softmax=True)
    before, config = model.get_weights(), model.get_config()
    score(model)
    assert model.get_config() == config
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (None, "'taylor' needs data: pass batches of .inputs, labels.; received None"),
        ([IMAGES], "'taylor' needs labels"),
        ([], "received no batch"),
        ((IMAGES, np.eye(3)[LABELS]), r"expected class numbers from 0 to 2.*\(7, 3\).*argmax"),
        ((IMAGES, LABELS + 1), "expected class numbers from 0 to 2.* received 3. Take"),
        ((IMAGES, LABELS + 0.5), "expected class numbers from 0 to 2.* received float64"),
        ((IMAGES[..., :1], LABELS), r"batch does not suit .*\(7, 6, 6, 1\)"),
        ([(IMAGES, LABELS[:3])], r"same number of samples .*array \(3,\)"),
        ((IMAGES * np.nan, LABELS), "inputs hold NaN or infinity"),
    ],
)
def test_data_that_it_cannot_read_are_refused(batches, message):
    with pytest.raises(PruningError, match=message):
        score(network(), batches)


def test_models_that_do_not_suit_are_refused():
    image = keras.Input((6, 6, 2))
    x = layers.Flatten()(image)
    pool = keras.Model(image, layers.Softmax()(x), name="pool")
    sigmoid = keras.Model(image, layers.Dense(3, "sigmoid")(x))
    two = keras.Model(image, [layers.Dense(3)(x), layers.Dense(3)(x)])
    for model, message in [
        (pool, "'taylor' scores convolutions, Dense layers and heads; model 'pool' has none. Use"),
        (sigmoid, "ends in 'sigmoid': expected a softmax"),
        (two, "has 2 outputs; expected one"),
    ]:
        with pytest.raises(PruningError, match=message):
            score(model)
