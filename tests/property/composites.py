"""Composite layers for random models: they are opened before anything is cut."""

from keras import layers, ops


class Mlp(layers.Layer):
    """A residual MLP that branches on training."""

    def __init__(self, hidden, activation, **kwargs):
        super().__init__(**kwargs)
        self.hidden = layers.Dense(hidden, activation=activation)
        self.dropout = layers.Dropout(0.2)

    def build(self, shape):
        self.back = layers.Dense(shape[-1])
        self.hidden.build(shape)
        self.back.build((*shape[:-1], self.hidden.units))

    def call(self, x, training=None):
        y = self.hidden(x)
        if training:
            y = self.dropout(y, training=training)
        return x + self.back(y)


class Affine(layers.Layer):
    """Weights of its own: a scale, a matrix, an offset."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.scale = self.add_weight(shape=shape[-1:], name="scale")
        self.matrix = self.add_weight(shape=(shape[-1], self.units), name="matrix")
        self.offset = self.add_weight(shape=(self.units,), name="offset")

    def call(self, x):
        return ops.tanh(ops.matmul(x * self.scale, self.matrix) + self.offset)


class Heads(layers.Layer):
    """Attention by Dense layers, reshapes that ask for the batch, and products."""

    def __init__(self, count, size, **kwargs):
        super().__init__(**kwargs)
        self.count, self.size = count, size
        self.parts = [layers.Dense(count * size) for _ in range(3)]

    def build(self, shape):
        for part in self.parts:
            part.build(shape)
        self.back = layers.Dense(shape[-1])
        self.back.build((*shape[:-1], self.count * self.size))

    def call(self, x):
        batch, length, _ = ops.shape(x)
        query, key, value = (
            ops.reshape(part(x), (batch, length, self.count, self.size)) for part in self.parts
        )
        scores = ops.einsum("bths,buhs->bhtu", query, key) * self.size**-0.5
        y = ops.einsum("bhtu,buhs->bths", ops.softmax(scores), value)
        return self.back(ops.reshape(y, (batch, length, self.count * self.size)))


class Twice(layers.Layer):
    """One layer called twice, and its matrix read once more, turned."""

    def __init__(self, turned, **kwargs):
        super().__init__(**kwargs)
        self.turned = turned

    def build(self, shape):
        self.inner = layers.Dense(shape[-1], activation="tanh")
        self.inner.build(shape)

    def call(self, x):
        y = self.inner(self.inner(x))
        return ops.matmul(y, ops.transpose(self.inner.kernel)) if self.turned else y
