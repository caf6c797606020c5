"""Which rule belongs to which kind of layer."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels

Rule: TypeAlias = Callable[[Call], Channels | Sequence[Channels]]

_RULES: dict[type | str, Rule] = {}


def rule(*kinds: type | str) -> Callable[[Rule], Rule]:
    """Teach tfprune a kind of layer: a decorator for a function from a call to its channels.

    The function receives a `tfprune.graph.call.Call` and returns the channels of the call's output
    (a list, if it has several). It says what the layer's weights have to do with the channels:
    `call.channels()` are the ids of the input's channels, `call.produce(n)` those of channels the
    layer makes, `call.label` ties them to a weight's axes, `call.resize` to arguments that count
    channels. A kind holds for exactly this class: a subclass may compute something else.

    Args:
        *kinds: layer classes, or names of operations that Keras does not export (`"GetItem"`).

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

    def register(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(kinds, function))
        return function

    return register


def find(operation: Any) -> Rule:
    """Return the rule for a layer or operation; without one, its channels are pinned."""
    if _is_adapted(operation):
        return pin_adapted
    kind = type(operation)
    known = _RULES.get(kind)
    if known is None and kind.__module__.startswith("keras."):
        known = _RULES.get(kind.__name__)
    return known or pin_unknown


def _is_adapted(operation: Any) -> bool:
    """Return whether a layer, or one within it, has other weights than its kind's."""
    inner = getattr(operation, "_layers", ())
    return bool(
        getattr(operation, "lora_enabled", False)
        or getattr(operation, "quantization_mode", None)
        or any(_is_adapted(layer) for layer in inner)
    )


def pin_adapted(call: Call) -> list[Channels]:
    """Pin everything that goes in and comes out of a quantized or LoRA-enabled layer."""
    return pin_all(call, "a quantized or LoRA-enabled layer is left whole")


def pin_unknown(call: Call) -> list[Channels]:
    """Pin everything that goes in and comes out of an operation that no rule describes."""
    return pin_all(call, f"{type(call.op).__name__} has no rule")


def pin_all(call: Call, reason: str) -> list[Channels]:
    """Pin a call's inputs and outputs."""
    for x in call.inputs:
        call.pin(x, reason)
    out = call.ghosts(1)
    call.pin(out, reason)
    return [Channels(out.reshape([1] * len(shape)), tuple(shape)) for shape in call.outputs]
