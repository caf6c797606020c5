"""Half of a small transformer's heads and hidden channels, without training.

    python -m benchmarks.heads

A subclassed vision transformer is trained on `digits` (embedded: 8 x 8 pixels), pruned to half of
its heads and of the hidden channels of its MLPs, and tested as it is and with its kernels solved
anew from the training images, no labels.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

import tfprune

_WIDTH, _HEADS, _BLOCKS, _EPOCHS = 48, 8, 4, 40


class Block(layers.Layer):
    """Attention written with Dense layers, and an MLP, each behind a norm."""

    def __init__(self):
        super().__init__()
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.query, self.key, self.value, self.out = (layers.Dense(_WIDTH) for _ in range(4))
        self.hidden, self.back = layers.Dense(4 * _WIDTH, activation="gelu"), layers.Dense(_WIDTH)

    def heads(self, x: Any) -> Any:
        """Return x [b, t, width] as [b, heads, t, size]."""
        batch, length, _ = ops.shape(x)
        return ops.transpose(ops.reshape(x, (batch, length, _HEADS, -1)), (0, 2, 1, 3))

    def call(self, x: Any) -> Any:
        """Return the stream x [b, t, width] with what the block adds."""
        y = self.norms[0](x)
        query, key, value = (self.heads(f(y)) for f in (self.query, self.key, self.value))
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / (_WIDTH // _HEADS) ** 0.5
        y = ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 2, 1, 3))
        x = x + self.out(ops.reshape(y, (ops.shape(x)[0], -1, _WIDTH)))
        return x + self.back(self.hidden(self.norms[1](x)))


class Transformer(keras.Model):
    """Patches of 2 x 2 pixels, a position table, blocks, a mean over the patches."""

    def __init__(self):
        super().__init__()
        self.patches = layers.Conv2D(_WIDTH, 2, strides=2)
        self.position = self.add_weight(shape=(16, _WIDTH), initializer="normal", name="position")
        self.blocks = [Block() for _ in range(_BLOCKS)]
        self.norm, self.head = layers.LayerNormalization(), layers.Dense(10)

    def call(self, images: Any) -> Any:
        """Return logits [b, 10] of images [b, 8, 8, 1]."""
        x = ops.reshape(self.patches(images), (-1, 16, _WIDTH)) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(ops.mean(self.norm(x), axis=1))


def split() -> tuple[Any, Any]:
    """Return (images, labels) for training and for the test, the images standardised."""
    data = tfprune.data.load("digits")
    mean, deviation = np.mean(data.train.images), np.std(data.train.images)

    def arrays(part: Any) -> tuple[np.ndarray, np.ndarray]:
        images = (np.asarray(part.images, "float32") - mean) / deviation
        return images, np.asarray(part.labels)

    return arrays(data.train), arrays(data.test)


def accuracy(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images whose class is right."""
    return float((model.predict(images, verbose=0).argmax(1) == labels).mean())


def main() -> None:
    """Train, prune and print a line for each criterion."""
    (images, labels), test = split()
    keras.utils.set_random_seed(0)
    model = Transformer()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    model.fit(images, labels, batch_size=64, epochs=_EPOCHS, verbose=0)
    whole = tfprune.cost(model)
    print(f"whole: {accuracy(model, *test):.2%}")
    options = [("random", {"seed": seed}) for seed in range(3)]
    options += [("l1", {}), ("l2", {}), ("taylor", {}), ("obs", {})]
    for method, own in options:
        found = []
        for reconstruct in (False, True):
            data = (images, labels)
            small, _ = tfprune.prune(
                model, data, method=method, ratio=0.5, reconstruct=reconstruct, **own
            )
            found.append(accuracy(small, *test))
        after = tfprune.cost(small)
        print(
            f"| {method} {own.get('seed', '')} | {found[0]:.2%} | {found[1]:.2%} | "
            f"{after.params / whole.params:.1%} | {after.macs / whole.macs:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
