"""Which rule belongs to which kind of layer, and what the kind is: the one list of layer kinds."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tfprune.errors import unknown
from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.keras_private import direct_layers

Rule: TypeAlias = Callable[[Call], Channels | Sequence[Channels]]

# What a kind can be, each with the wider role that it plays too.
ROLES: dict[str, str | None] = {
    "activation": None,
    "rectifier": "activation",
    "sigmoid": "activation",
    "softmax": None,
    "log_softmax": None,
    "normalisation": None,
    "batch_normalisation": "normalisation",
    "convolution": None,
    "dense": None,
    "projection": None,
    "attention": None,
    "dropout": None,
    "pooling": None,
    "max_pooling": "pooling",
    "average_pooling": "pooling",
    "global_average_pooling": "average_pooling",
    "resizing": None,
    "padding": None,
    "cropping": None,
    "movement": None,
    "identity": None,
    "function": None,
    "sum": None,
}

# What may be done to channels that lie among the samples, [samples * heads, ...]: what takes each
# sample by itself, and asks for no number of them.
_AMONG_SAMPLES = ("activation", "softmax", "dropout", "identity", "movement", "sum")
_AMONG_SAMPLES_TOO = """Matmul Einsum Unstack GetItem Cast Subtract Multiply Divide TrueDivide Where
Negative Exp""".split()

# What keeps the places within heads apart, and those of all heads alike.
_WITHIN_HEADS = ("activation", "dropout", "identity", "movement", "sum")
_WITHIN_HEADS_TOO = """Matmul Einsum EinsumDense Cast Subtract Multiply Divide TrueDivide Negative
Repeat Where ZerosLike OnesLike Abs Exp Square Copy StopGradient""".split()

_RULES: dict[type | str, Rule] = {}
_ROLES: dict[type | str, str] = {}


def rule(*kinds: type | str, role: str | None = None) -> Callable[[Rule], Rule]:
    """Teach tfprune a kind of layer: a decorator for a function from a call to its channels.

    The function receives a `tfprune.graph.call.Call` and returns the channels of the call's output
    (a list, if it has several). It says what the layer's weights have to do with the channels:
    `call.channels()` are the ids of the input's channels, `call.produce(n)` those of channels the
    layer makes, `call.label` ties them to a weight's axes, `call.resize` to arguments that count
    channels. A kind holds for exactly this class: a subclass may compute something else.

    Args:
        *kinds: layer classes, or names of operations that Keras does not export (`"GetItem"`).
        role: what the kinds are to those who look for an activation, a normalisation or a
            convolution: costs, criteria, the end of a classifier. One of "activation",
            "rectifier", "sigmoid", "softmax", "log_softmax", "normalisation",
            "batch_normalisation", "convolution", "dense", "projection", "attention", "dropout",
            "pooling", "max_pooling", "average_pooling", "global_average_pooling", "resizing",
            "padding", "cropping", "movement", "identity", "function" or "sum"; None for a kind that
            nobody looks for.

    Raises:
        PruningError: an unknown role.

    Example:
        >>> import keras, tfprune
        >>> class Scale(keras.layers.Layer):
        ...     def build(self, shape):
        ...         self.scale = self.add_weight(name="scale", shape=shape[-1:])
        ...     def call(self, x):
        ...         return x * self.scale
        >>> @tfprune.rule(Scale)
        ... def scale(call):
        ...     call.label("scale", carries={0: call.channels()})
        ...     return call.passed()
    """

    if role is not None and role not in ROLES:
        raise unknown("role of a layer kind", role, ROLES)

    def register(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(kinds, function))
        _ROLES.update(dict.fromkeys(kinds, role) if role else {})
        return function

    return register


def has_role(operation: Any, role: str) -> bool:
    """Tell whether a layer or an operation is of a kind with this role, or with a narrower one.

    A subclass has its parent's role unless a rule says otherwise, although it has not its rule:
    what it computes is its own, but a user's batch normalisation is one still.

    Args:
        operation: the layer or operation.
        role: as in `rule`.

    Raises:
        PruningError: an unknown role.

    Example:
        >>> import keras
        >>> has_role(keras.layers.ReLU(), "activation"), has_role(keras.layers.ReLU(), "pooling")
        (True, False)
    """
    if role not in ROLES:
        raise unknown("role of a layer kind", role, ROLES)
    own = _role(type(operation))
    while own is not None and own != role:
        own = ROLES[own]
    return own == role


def _role(kind: type) -> str | None:
    for parent in kind.__mro__:
        if parent in _ROLES:
            return _ROLES[parent]
        if parent.__module__.startswith("keras.") and parent.__name__ in _ROLES:
            return _ROLES[parent.__name__]
    return None


def find(operation: Any) -> Rule:
    """Return the rule for a layer or operation; without one, its channels are pinned."""
    if _is_adapted(operation):
        return pin_adapted
    return _known(operation) or pin_unknown


def takes_among_samples(operation: Any, inputs: Sequence[Channels]) -> bool:
    """Tell whether an operation can be given channels that lie along axes of unknown size.

    Args:
        operation: the layer or operation.
        inputs: the channels that it is called with; of those that lie so, all must repeat alike.
    """
    rounds = {x.ids.shape[axis] for x in inputs for axis in x.rounds}
    known = type(operation).__name__ in _AMONG_SAMPLES_TOO
    return len(rounds) < 2 and (known or any(has_role(operation, r) for r in _AMONG_SAMPLES))


def works_within_heads(operation: Any) -> bool:
    """Tell whether an operation may be told which places within heads its channels belong to."""
    known = type(operation).__name__ in _WITHIN_HEADS_TOO
    return known or any(has_role(operation, role) for role in _WITHIN_HEADS)


def has_rule(operation: Any) -> bool:
    """Tell whether a rule describes a layer or an operation.

    Args:
        operation: the layer or operation.

    Example:
        >>> import keras
        >>> has_rule(keras.layers.Dense(2)), has_rule(keras.layers.Layer())
        (True, False)
    """
    return _known(operation) is not None


def _known(operation: Any) -> Rule | None:
    kind = type(operation)
    known = _RULES.get(kind)
    if known is None and kind.__module__.startswith("keras."):
        known = _RULES.get(kind.__name__)
    return known


def _is_adapted(operation: Any) -> bool:
    """Return whether a layer, or one within it, has other weights than its kind's."""
    return bool(getattr(operation, "quantization_mode", None)) or any(
        _is_adapted(layer) for layer in direct_layers(operation)
    )


def pin_adapted(call: Call) -> list[Channels]:
    """Pin everything that goes in and comes out of a quantized layer."""
    return pin_all(call, "a quantized layer is left whole")


def pin_unknown(call: Call) -> list[Channels]:
    """Pin everything that goes in and comes out of an operation that no rule describes."""
    why = call.trace.whole.get(call.owner.name)
    reason = f", and cannot be opened: {why}" if why else ""
    return pin_all(call, f"{type(call.op).__name__} has no rule{reason}")


def pin_all(call: Call, reason: str) -> list[Channels]:
    """Pin a call's inputs and outputs."""
    for x in call.inputs:
        call.pin(x, reason)
    out = call.ghosts(1)
    call.pin(out, reason)
    return [Channels(out.reshape([1] * len(shape)), tuple(shape)) for shape in call.outputs]
