"""Begin with the weights of another Keras model, where its layers are the same."""

import keras

from tfprune.errors import PruningError
from tfprune.training.copying import copy_model


def take_over(model: keras.Model, source: keras.Model) -> tuple[keras.Model, tuple[str, ...]]:
    """Return a model with the weights of another one's layers of the same name and shapes.

    For training to begin with a backbone that knows images already: a network for eleven classes
    takes all but its classifier from one for twenty-one.

    Args:
        model: the model that is to be trained; it is not changed.
        source: the model whose weights are taken.

    Returns:
        A copy of the model, and the names of its layers that keep their own weights, since the
        other model has no layer of that name or one of other shapes.

    Raises:
        PruningError: no layer fits.

    Example:
        >>> import keras
        >>> def network(classes):
        ...     layers = [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
        ...               keras.layers.Dense(classes, name="classifier")]
        ...     return keras.Sequential(layers)
        >>> new, own = take_over(network(2), network(5))
        >>> own
        ('classifier',)
    """
    result = copy_model(model)
    known = {layer.name: layer for layer in source.layers}
    layers = [layer for layer in result.layers if layer.weights]
    fitting = [layer for layer in layers if _fits(layer, known.get(layer.name))]
    if not fitting:
        raise PruningError(
            f"No layer of {model.name!r} has the name and the shapes of one of {source.name!r}: "
            f"expected a model of the same network, received one with the layers "
            f"{', '.join([name for name, layer in known.items() if layer.weights][:5])} ..."
        )
    for layer in fitting:
        layer.set_weights(known[layer.name].get_weights())
    taken = {layer.name for layer in fitting}
    return result, tuple(layer.name for layer in layers if layer.name not in taken)


def _fits(layer: keras.Layer, other: keras.Layer | None) -> bool:
    """Say whether one layer can have the other's weights."""
    return other is not None and [tuple(v.shape) for v in layer.weights] == [
        tuple(v.shape) for v in other.weights
    ]
