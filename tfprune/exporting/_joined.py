"""Several small models as one: converted together, which takes seconds for each one alone."""

from collections.abc import Sequence

import keras


def joined(models: Sequence[keras.Model]) -> tuple[keras.Model, list[list[str]], list[list[str]]]:
    """Return a model that calls others side by side, each on inputs of its own.

    Args:
        models: functional models with one output each.

    Returns:
        The model; of each part the names of its inputs, and of its output.

    Example:
        >>> x = keras.Input((4,), name="x")
        >>> model, takes, gives = joined([keras.Model(x, keras.layers.ReLU()(x))] * 2)
        >>> takes, gives
        ([['part_0_0'], ['part_1_0']], [['part_0'], ['part_1']])
    """
    inputs, outputs, takes = [], [], []
    for place, model in enumerate(models):
        own = [
            keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=f"part_{place}_{i}")
            for i, tensor in enumerate(model.inputs)
        ]
        takes.append([tensor.name for tensor in own])
        inputs += own
        copy = keras.Model(model.inputs, model.outputs, name=f"part_{place}")  # the same layers
        outputs.append(keras.tree.flatten(copy(own))[0])
    gives = [[f"part_{place}"] for place in range(len(models))]
    return keras.Model(inputs, outputs, name="parts"), takes, gives
