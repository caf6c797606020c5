"""Small subclassed models and composite layers in the styles in which people write them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

IMAGE = (2, 16, 16, 3)


class Block(layers.Layer):
    """A residual block whose call branches on training."""

    def __init__(self, filters, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = layers.Conv2D(filters, 3, stride, padding="same", use_bias=False)
        self.norm1 = layers.BatchNormalization()
        self.conv2 = layers.Conv2D(filters, 3, padding="same", use_bias=False)
        self.norm2 = layers.BatchNormalization()
        self.shortcut = layers.Conv2D(filters, 1, stride) if stride > 1 else None
        self.dropout = layers.Dropout(0.5)

    def call(self, x, training=False):
        y = ops.relu(self.norm1(self.conv1(x), training=training))
        y = self.norm2(self.conv2(y), training=training)
        if training:
            y = self.dropout(y, training=training)
        return ops.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class Odd(keras.Model):
    """Asks for the rank, indexes with a list, gathers by TensorFlow, applies a lambda."""

    def __init__(self):
        super().__init__()
        self.first = layers.Dense(6, name="first")
        self.act = layers.Activation(lambda x: ops.gelu(x, approximate=False))
        self.last = layers.Dense(3, name="last")

    def call(self, x):
        x = self.act(self.first(x))
        key = [slice(None)] * (ops.ndim(x) + 1)
        key[1] = None
        x = ops.transpose(x[key], (0, 1, 2, 4, 3))  # [batch, 1, rows, channels, columns]
        places = tf.cast(tf.zeros_like(x), "int32") + np.arange(16, dtype="int32")[::-1]
        x = tf.gather(x, indices=places, batch_dims=4)
        x = tf.gather(ops.transpose(x[:, 0], (0, 1, 3, 2)), [0, 2, 5], axis=1)
        return self.last(ops.mean(x, axis=(1, 2)))


class Residual(keras.Model):
    """Lists of blocks; the shape is asked for; a weight of the model's own."""

    def __init__(self):
        super().__init__()
        self.stem = layers.Conv2D(8, 3, padding="same")
        self.blocks = [Block(8), Block(12, stride=2)]
        self.head = layers.Dense(5)

    def build(self, shape):
        self.gamma = self.add_weight(name="gamma", shape=(12,), initializer="normal")
        super().build(shape)

    def call(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        batch, height, width, channels = ops.shape(x)
        x = ops.reshape(x, (batch, height * width, channels))
        return self.head(ops.mean(x, axis=1) * self.gamma)


class ConvNorm(keras.Model):
    """A model as a building block, with a Sequential inside, as PyTorch's users write it."""

    def __init__(self, width):
        super().__init__()
        self.body = keras.Sequential(
            [layers.Conv2D(width, 3, padding="same"), layers.BatchNormalization(), layers.ReLU()]
        )

    def call(self, x):
        return self.body(x)


class Features(keras.Model):
    """Models within models, a shared one, and a dictionary of branches."""

    def __init__(self):
        super().__init__()
        self.first = ConvNorm(6)
        self.shared = ConvNorm(6)
        self.branches = {"wide": layers.Conv2D(4, 5, padding="same"), "narrow": ConvNorm(4)}
        self.pool = layers.GlobalAveragePooling2D()
        self.top = layers.Dense(3, activation="softmax")

    def call(self, x):
        x = self.shared(self.shared(self.first(x)))
        x = ops.concatenate([branch(x) for branch in self.branches.values()], axis=-1)
        return self.top(self.pool(x))


class SqueezeExcite(layers.Layer):
    """Gates written with operations."""

    def build(self, shape):
        self.squeeze = layers.Dense(4, activation=keras.activations.silu)
        self.excite = layers.Dense(shape[-1])
        self.squeeze.build((None, shape[-1]))
        self.excite.build((None, 4))
        super().build(shape)

    def call(self, x):
        gate = self.excite(self.squeeze(ops.mean(x, axis=(1, 2))))
        return x * ops.sigmoid(gate)[:, None, None, :]


class DropPath(layers.Layer):
    """Stochastic depth: whole samples are dropped in training."""

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.generator = keras.random.SeedGenerator(7)

    def call(self, x, training=None):
        if not training or self.rate == 0:
            return x
        keep = 1 - self.rate
        shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        return x / keep * ops.floor(keep + keras.random.uniform(shape, seed=self.generator))


class ConvNeXtBlock(layers.Layer):
    """Depthwise, LayerNormalization, an MLP, a scale, stochastic depth."""

    def __init__(self, width, rate):
        super().__init__()
        self.depthwise = layers.DepthwiseConv2D(3, padding="same")
        self.norm = layers.LayerNormalization(epsilon=1e-6)
        self.expand, self.project = layers.Dense(3 * width), layers.Dense(width)
        self.drop_path = DropPath(rate)
        self.scale = self.add_weight(shape=(width,), initializer="normal", name="layer_scale")

    def call(self, x):
        y = self.project(ops.gelu(self.expand(self.norm(self.depthwise(x)))))
        return x + self.drop_path(y * self.scale)


class ConvNeXt(keras.Model):
    """A stem of patches, blocks with gates in between, TensorFlow's own `shape`."""

    def __init__(self):
        super().__init__()
        self.stem = layers.Conv2D(8, 4, strides=4)
        self.stages = [ConvNeXtBlock(8, 0.0), SqueezeExcite(), ConvNeXtBlock(8, 0.3)]
        self.head = layers.Dense(4)

    def call(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        x = ops.reshape(x, (tf.shape(x)[0], -1, 8))
        return self.head(ops.max(x, axis=1))


class PatchEmbedding(layers.Layer):
    """Patches, a class token and a position table of its own."""

    def __init__(self, width):
        super().__init__()
        self.width, self.patches = width, layers.Conv2D(width, 4, strides=4)

    def build(self, shape):
        self.patches.build(shape)
        count = (shape[1] // 4) * (shape[2] // 4)
        self.token = self.add_weight(shape=(1, 1, self.width), initializer="normal", name="token")
        self.position = self.add_weight(
            shape=(count + 1, self.width), initializer="normal", name="position"
        )
        super().build(shape)

    def call(self, x):
        x = self.patches(x)
        batch = ops.shape(x)[0]
        x = ops.reshape(x, (batch, -1, self.width))
        token = ops.broadcast_to(self.token, (batch, 1, self.width))
        return ops.concatenate([token, x], axis=1) + self.position[None]


class HandAttention(layers.Layer):
    """Attention by Dense layers, reshapes and matmul."""

    def __init__(self, heads, size):
        super().__init__()
        self.heads, self.size = heads, size
        self.query, self.key, self.value = (layers.Dense(heads * size) for _ in range(3))
        self.out = layers.Dense(12)

    def split(self, x):
        batch, length, _ = ops.shape(x)
        x = ops.reshape(x, (batch, length, self.heads, self.size))
        return ops.transpose(x, (0, 2, 1, 3))

    def call(self, x):
        query, key, value = (self.split(f(x)) for f in (self.query, self.key, self.value))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / self.size**0.5
        y = ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 2, 1, 3))
        batch, length = ops.shape(y)[:2]
        return self.out(ops.reshape(y, (batch, length, self.heads * self.size)))


class EinsumAttention(layers.Layer):
    """Attention by EinsumDense and einsum, with grouped keys and values."""

    def __init__(self, heads=4, groups=2, size=3):
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, size
        self.query = layers.EinsumDense("btd,dhs->bths", (None, heads, size), bias_axes="hs")
        self.key = layers.EinsumDense("btd,dhs->bths", (None, groups, size), bias_axes="hs")
        self.value = layers.EinsumDense("btd,dhs->bths", (None, groups, size))
        self.out = layers.EinsumDense("bths,hsd->btd", (None, 12), bias_axes="d")

    def call(self, x):
        times = self.heads // self.groups
        key, value = (ops.repeat(f(x), times, axis=2) for f in (self.key, self.value))
        scores = ops.einsum("bqhs,bkhs->bhqk", self.query(x) * self.size**-0.5, key)
        return self.out(ops.einsum("bhqk,bkhs->bqhs", ops.softmax(scores, axis=-1), value))


class Stock(layers.Layer):
    """Keras' own attention behind a call of one's own."""

    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(4, 3, name="attention")

    def call(self, x, training=None):
        return self.attention(x, x, training=training)


class TransformerBlock(layers.Layer):
    """Attention of a given kind and an MLP, each behind a norm."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.mlp = keras.Sequential([layers.Dense(24, activation="gelu"), layers.Dense(12)])
        self.dropout = layers.Dropout(0.1)

    def call(self, x, training=None):
        x = x + self.dropout(self.attention(self.norms[0](x)), training=training)
        return x + self.mlp(self.norms[1](x), training=training)


class ViT(keras.Model):
    """A vision transformer with an attention of each kind."""

    def __init__(self):
        super().__init__()
        self.embed = PatchEmbedding(12)
        kinds = (Stock(), HandAttention(4, 3), EinsumAttention())
        self.blocks = [TransformerBlock(kind) for kind in kinds]
        self.norm, self.head = layers.LayerNormalization(), layers.Dense(5)

    def call(self, x, training=None):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x, training=training)
        return self.head(self.norm(x)[:, 0])


class Linear(layers.Layer):
    """A dense layer by hand."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="normal", name="b")

    def call(self, x):
        return ops.matmul(x, self.w) + self.b


class Mixer(keras.Model):
    """An MLP mixer, partly by hand: tokens are mixed by a Dense over the transposed axis."""

    def __init__(self):
        super().__init__()
        self.embed = layers.Conv2D(6, 4, strides=4)
        self.tokens = [Linear(10), Linear(16)]
        self.channels = [layers.Dense(14), layers.Dense(6)]
        self.head = Linear(3)

    def call(self, x):
        x = self.embed(x)
        batch, height, width, channels = x.shape
        x = ops.reshape(x, (batch, height * width, channels))
        y = ops.transpose(x, (0, 2, 1))
        y = self.tokens[1](ops.silu(self.tokens[0](y)))
        x = x + ops.transpose(y, (0, 2, 1))
        x = x + self.channels[1](ops.silu(self.channels[0](x)))
        return self.head(ops.mean(x, axis=1))


class TwoInputs(keras.Model):
    """Inputs by name and outputs by name."""

    def __init__(self):
        super().__init__()
        self.image, self.number = layers.Conv2D(6, 3), layers.Dense(6, activation="relu")
        self.classes, self.size = layers.Dense(3), layers.Dense(1)

    def call(self, inputs):
        x = ops.max(self.image(inputs["image"]), axis=(1, 2)) * self.number(inputs["number"])
        return {"classes": self.classes(x), "size": self.size(x)}


class UNet(keras.Model):
    """Images of any size."""

    def __init__(self):
        super().__init__()
        self.down = [layers.Conv2D(n, 3, 2, padding="same", activation="relu") for n in (6, 8)]
        self.up = [layers.Conv2DTranspose(n, 3, 2, padding="same") for n in (6, 4)]
        self.last = layers.Conv2D(2, 1)

    def call(self, x):
        first = self.down[0](x)
        x = self.up[0](self.down[1](first))
        return self.last(self.up[1](ops.concatenate([x, first], axis=-1)))


class Tokens(keras.Model):
    """Text of any length: positions are counted, padding is masked."""

    def __init__(self):
        super().__init__()
        self.words = layers.Embedding(9, 8, mask_zero=True)
        self.positions = layers.Embedding(80, 8)
        self.dense = layers.Dense(12, activation="relu")
        self.lstm, self.head = layers.LSTM(6), layers.Dense(2)

    def call(self, tokens):
        x = self.words(tokens) + self.positions(ops.arange(ops.shape(tokens)[1]))[None]
        return self.head(self.lstm(self.dense(x), mask=self.words.compute_mask(tokens)))


class Pyramid(keras.Model):
    """Functional models within, the same one twice, and a layer that is called from two places."""

    def __init__(self):
        super().__init__()
        image = keras.Input((None, None, 4))
        x = layers.Conv2D(6, 3, padding="same", name="smooth")(image)
        self.smooth = keras.Model(image, layers.Conv2D(4, 1)(layers.PReLU(shared_axes=[1, 2])(x)))
        self.stem = layers.Conv2D(4, 3, padding="same", activation="relu")
        self.half, self.head = layers.AveragePooling2D(2), layers.Dense(2)

    def call(self, x):
        fine = self.smooth(self.stem(x))
        coarse = self.smooth(self.half(fine))
        return self.head(ops.mean(fine, axis=(1, 2)) + ops.mean(coarse, axis=(1, 2)))


def built(kind, inputs=None):
    """Return a model that was called once, its weights drawn anew."""
    keras.utils.set_random_seed(0)
    model = kind()
    inputs = np.zeros(IMAGE, "float32") if inputs is None else inputs
    model(inputs)
    return enlivened(model)


def enlivened(model):
    """Return a model whose weights are drawn anew, so that none is a constant."""
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if "seed" not in weight.path:
            value = np.asarray(weight) + rng.normal(0, 0.1, weight.shape)
            weight.assign(np.abs(value) if "variance" in weight.path else value)
    return model


class TensorFlowStyle(keras.Model):
    """Calls of TensorFlow's own functions."""

    def __init__(self):
        super().__init__()
        self.conv, self.gate = layers.Conv2D(8, 3, padding="same"), layers.Conv2D(8, 1)
        self.query, self.key = layers.Dense(6), layers.Dense(6)
        self.head = layers.Dense(3)

    def call(self, inputs):
        x = tf.nn.relu(self.conv(inputs)) * tf.sigmoid(self.gate(inputs))
        left, right = tf.split(x, 2, axis=-1)
        x = tf.concat([left + 1.0, tf.nn.gelu(right)], -1)
        batch, channels = tf.shape(x)[0], x.shape[-1]
        x = tf.reshape(x, [batch, -1, channels])
        scores = tf.matmul(self.query(x), self.key(x), transpose_b=True)
        x = tf.matmul(tf.nn.softmax(scores), x)
        x = tf.squeeze(tf.expand_dims(tf.cast(x, tf.float32), 1), axis=[1])
        x = tf.reduce_mean(x, axis=1) + tf.math.reduce_max(x, axis=1)
        return self.head(tf.tile(tf.transpose(tf.stack([x, x], 1), [0, 2, 1])[..., 0], [1, 2]))


IMAGES = (Residual, Features, ConvNeXt, ViT, Mixer, UNet, Pyramid, TensorFlowStyle, Odd)
TWO = {"image": np.zeros(IMAGE, "float32"), "number": np.zeros((2, 4), "float32")}
TEXT = np.zeros((2, 7), "int32")
