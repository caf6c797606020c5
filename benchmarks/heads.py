"""Half of a small transformer's heads and hidden channels, without training.

    python -m benchmarks.heads
    python -m benchmarks.heads --data=cifar10 --data_dir=DIR --folder=DIR
    python -m benchmarks.heads --attention=stock

A subclassed vision transformer is trained, on `digits` (embedded: 8 x 8 pixels) or on CIFAR-10,
pruned to half of its heads and of the hidden channels of its MLPs, and tested as it is and with its
kernels solved anew from training images, no labels. With `--attention=stock` the same network is
pruned with Keras' own MultiHeadAttention in place of attention written with Dense layers, the
weights the very same. A training that was killed goes on where it
was when it is started again with the same folder.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

import tfprune
import tfprune.data

_METHODS = [
    *(("random", {"seed": seed}) for seed in range(3)),
    *((name, {}) for name in ("l1", "l2", "taylor", "obs")),
]


@dataclass(frozen=True)
class Setting:
    """How a transformer is built for a data set, and trained.

    Args:
        side: of the images, in pixels.
        stem: output channels of the convolutions before the blocks, each of stride 2; the last are
            the stream's.
        window: side of their kernels.
        epochs: of the training.
        augment: of the training images.
        images: of the training split that scores and kernels are computed from.
    """

    side: int
    stem: tuple[int, ...]
    window: int
    epochs: int
    augment: str
    images: int
    heads: int = 8
    blocks: int = 4


SETTINGS = {
    "digits": Setting(8, (48,), 2, epochs=40, augment="none", images=1437),
    "cifar10": Setting(32, (32, 64), 3, epochs=10, augment="crop_flip", images=2000),
}


class Block(layers.Layer):
    """Attention and an MLP, each behind a norm.

    Args:
        width: of the stream.
        heads: of the attention.
        stock: whether this is Keras' own attention; else it is written with Dense layers.
    """

    def __init__(self, width: int, heads: int, *, stock: bool):
        super().__init__()
        self.width, self.count = width, heads
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.attention = layers.MultiHeadAttention(heads, width // heads) if stock else None
        if not stock:
            self.query, self.key, self.value, self.out = (layers.Dense(width) for _ in range(4))
        self.hidden, self.back = layers.Dense(4 * width, activation="gelu"), layers.Dense(width)

    def heads(self, x: Any) -> Any:
        """Return x [b, t, width] as [b, heads, t, size]."""
        batch, length, _ = ops.shape(x)
        return ops.transpose(ops.reshape(x, (batch, length, self.count, -1)), (0, 2, 1, 3))

    def call(self, x: Any) -> Any:
        """Return the stream x [b, t, width] with what the block adds."""
        y = self.norms[0](x)
        x = x + (self.attended(y) if self.attention is None else self.attention(y, y))
        return x + self.back(self.hidden(self.norms[1](x)))

    def attended(self, y: Any) -> Any:
        """Return attention as Dense layers, reshapes and `matmul` make it."""
        query, key, value = (self.heads(f(y)) for f in (self.query, self.key, self.value))
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / (self.width // self.count) ** 0.5
        y = ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 2, 1, 3))
        return self.out(ops.reshape(y, (ops.shape(y)[0], -1, self.width)))


class Transformer(keras.Model):
    """A stem of convolutions, a position table, blocks, a mean over the places."""

    def __init__(self, setting: Setting, *, stock: bool = False):
        super().__init__()
        *inner, width = setting.stem
        options = {"strides": 2, "padding": "same"}
        self.stem = [layers.Conv2D(n, setting.window, activation="gelu", **options) for n in inner]
        self.patches = layers.Conv2D(width, setting.window, **options)
        self.places = (setting.side // 2 ** len(setting.stem)) ** 2
        self.width = width
        self.position = self.add_weight(
            shape=(self.places, width), initializer="normal", name="position"
        )
        self.blocks = [Block(width, setting.heads, stock=stock) for _ in range(setting.blocks)]
        self.norm, self.head = layers.LayerNormalization(), layers.Dense(10)

    def call(self, x: Any) -> Any:
        """Return logits [b, 10] of images [b, side, side, channels]."""
        for conv in (*self.stem, self.patches):
            x = conv(x)
        x = ops.reshape(x, (-1, self.places, self.width)) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(ops.mean(self.norm(x), axis=1))


def trained(setting: Setting, data: tfprune.data.DataSet, folder: Path) -> keras.Model:
    """Return a trained transformer, opened: training is what opened models are for, too."""
    keras.utils.set_random_seed(0)
    model = Transformer(setting)
    model(np.zeros((1, *data.input_shape), "float32"))
    epochs = data.train.epochs(128, shuffle=True, augment=setting.augment, seed=0)
    model, _ = tfprune.fine_tune(
        tfprune.open_up(model), epochs, epochs=setting.epochs, optimizer="adam",
        learning_rate=1e-3, schedule="cosine", warmup_epochs=1.0,
        checkpoint_dir=folder / "checkpoint", verbose=2,
    )  # fmt: skip
    model.save(folder / "transformer.keras")
    return model


def with_stock_attention(model: keras.Model, setting: Setting) -> keras.Model:
    """Return a trained transformer with MultiHeadAttention, which computes what it computes.

    Args:
        model: as `trained` returns it.
        setting: that it was built with.
    """
    stock = Transformer(setting, stock=True)
    stock(np.zeros((1, *model.input_shape[1:]), "float32"))
    stock = tfprune.open_up(stock)
    for layer in stock.layers:
        if not isinstance(layer, layers.MultiHeadAttention):
            layer.set_weights(model.get_layer(layer.name).get_weights() if layer.weights else [])
            continue
        block = layer.name.rpartition(".")[0]
        parts = (layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense)
        for part, name in zip(parts, ("query", "key", "value", "out"), strict=True):
            for own, given in zip(
                part.weights, model.get_layer(f"{block}.{name}").weights, strict=True
            ):
                own.assign(ops.reshape(given, own.shape))
    return stock


def arrays(data: tfprune.data.DataSet, name: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first images of a split, as they are trained on, with their labels."""
    split = getattr(data, name)
    parts = split.batches(1000) if name == "test" else split.epochs(1000, shuffle=False).epoch(0)
    images, labels = zip(*parts.as_numpy_iterator(), strict=True)
    return np.concatenate(images)[:count], np.concatenate(labels)[:count]


def accuracy(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images whose class is right."""
    return float((model.predict(images, verbose=0).argmax(1) == labels).mean())


def main(argv: Sequence[str]) -> None:
    """Train, prune and print a line for each criterion."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", choices=SETTINGS, default="digits")
    parser.add_argument("--attention", choices=("written", "stock"), default="written")
    parser.add_argument("--data_dir", help="where the files of the data set lie")
    parser.add_argument("--folder", type=Path, help="keeps the checkpoint and the trained network")
    given = parser.parse_args(argv)
    setting = SETTINGS[given.data]
    data = tfprune.data.load(given.data, data_dir=given.data_dir)
    with tempfile.TemporaryDirectory() as temporary:
        model = trained(setting, data, given.folder or Path(temporary))
    if given.attention == "stock":
        model = with_stock_attention(model, setting)
    test = arrays(data, "test", len(data.test))
    samples = arrays(data, "train", setting.images)
    whole = tfprune.cost(model)
    print(f"whole: {accuracy(model, *test):.2%}", flush=True)
    for method, own in _METHODS:
        found = []
        for reconstruct in (False, True):
            small, _ = tfprune.prune(
                model, samples, method=method, ratio=0.5, reconstruct=reconstruct, **own
            )
            found.append(accuracy(small, *test))
        after = tfprune.cost(small)
        print(
            f"| {method} {own.get('seed', '')} | {found[0]:.2%} | {found[1]:.2%} | "
            f"{after.params / whole.params:.1%} | {after.macs / whole.macs:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
