"""What a classifier's outputs are: probabilities or logits."""

from collections.abc import Iterator

import keras

from tfprune.errors import PruningError
from tfprune.graph.activation_kinds import activation_name
from tfprune.graph.keras_graph import nodes
from tfprune.graph.rules import has_role

# Kinds that hand probabilities on as probabilities, and logits as logits.
_PASSING = """activation average_pooling cropping dropout identity movement resizing""".split()


def gives_probabilities(model: keras.Model) -> bool:
    """Tell whether the last activation is a softmax; without any activation these are logits.

    The operations are followed from the output backwards, into nested models too, through
    layers that only move, drop or average values, up to the first one that has an activation
    or is of another kind.

    Args:
        model: a functional or sequential model with one output.

    Returns:
        True for probabilities, False for logits.

    Raises:
        PruningError: the last activation is neither, e.g. a sigmoid, or the model has no graph.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> gives_probabilities(model)
        False
    """
    last = _last_activation(model)
    if last in ("softmax", "log_softmax", "linear"):
        # The softmax of log-probabilities is the probabilities: they are logits as well.
        return last == "softmax"
    raise PruningError(
        f"The model {model.name!r} ends in {last!r}: expected a softmax (probabilities) or no "
        "activation (logits). Give the loss that suits it: fine_tune(..., loss=...), or compile "
        "the model with it."
    )


def last_layers(model: keras.Model) -> list[keras.Operation]:
    """Return the operations from the last activation on, the very last one first.

    Example:
        >>> layers = [keras.Input((3,)), keras.layers.Dense(2), keras.layers.Softmax(name="last")]
        >>> [layer.name for layer in last_layers(keras.Sequential(layers))]
        ['last']
    """
    found = []
    for operation in _backwards(model):
        if isinstance(operation, keras.Model):
            return found + last_layers(operation)
        found.append(operation)
        passing = any(has_role(operation, role) for role in _PASSING)
        if activation_name(operation) != "linear" or not passing:
            break
    return found


def require_class_scores(model: keras.Model) -> None:
    """Refuse a model whose outputs are not the scores of classes.

    Raises:
        PruningError: several outputs, or the last activation is no softmax.
    """
    if len(model.outputs) != 1:
        raise PruningError(
            f"Model {model.name!r} has {len(model.outputs)} outputs, expected 1: which of them the "
            "labels belong to is unknown. Pass a model with the classifier's output alone."
        )
    gives_probabilities(model)


def _last_activation(model: keras.Model) -> str:
    found = last_layers(model)
    return activation_name(found[-1]) if found else "linear"


def _backwards(model: keras.Model) -> Iterator[keras.Operation]:
    """Yield the operations before the output, the last first, while each has one input."""
    if isinstance(model, keras.Sequential):
        yield from reversed(model.layers)
        return
    if not hasattr(model, "operations"):
        raise PruningError(
            f"The model {model.name!r} is a {type(model).__name__} without a graph of layers, so "
            "its last activation cannot be seen. Give the loss: fine_tune(..., loss=...)."
        )
    # By calls: a layer that is called several times has no one input.
    makers = {id(tensor): node for node in nodes(model) for tensor in node.outputs}
    tensors = model.outputs
    while len(tensors) == 1 and id(tensors[0]) in makers:
        node = makers[id(tensors[0])]
        yield node.operation
        tensors = node.input_tensors
