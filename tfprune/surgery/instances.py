"""Make a layer anew from its config, in memory: with the very functions that it holds."""

from contextlib import suppress
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import rename
from tfprune.graph.keras_private import inner_layers
from tfprune.graph.memory_copies import deep_copy, shallow_copy

_PLUG_INS = (
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
    keras.initializers.Initializer,
)


def instance(layer: keras.Layer, config: dict[str, Any], *, edited: bool) -> keras.Layer:
    """Return a new layer of the same kind and name, as a config says.

    A file holds the names of functions only, and Keras refuses those it does not know. In memory
    there is no such need: the functions and classes of the layer itself are taken. A layer that no
    config describes is copied as it stands in memory.

    Args:
        layer: the layer; it is only read.
        config: its config, perhaps changed.
        edited: whether the config was changed, so that nothing else will do.

    Raises:
        PruningError: the layer cannot be made again; it says what to write.
    """
    config = _with_own_functions(layer, config)
    try:
        new = _made(layer, config)
    except Exception as error:  # whatever a layer's own code raises
        if edited:
            raise _unmakeable(layer, error) from error
        return duplicate(layer, error)
    if new.name != layer.name:  # a config without a name: losses and metrics may be keyed by it
        rename(new, layer.name)
    return new


def config_of(layer: keras.Layer) -> dict[str, Any]:
    """Return a layer's config, with a name for each function that has none, such as a lambda.

    Keras reads a lambda's source, which may be nowhere, and warns of what no file will be read for.

    Args:
        layer: a layer; it is only read.
    """
    if not nameless_functions(layer):
        return layer.get_config()
    is_within = any(map(_nameless, inner_layers(layer)))
    copy = deep_copy(layer) if is_within else shallow_copy(layer)
    for name, (place, key, _) in nameless_functions(layer).items():
        part = [copy, *inner_layers(copy)][place] if is_within else copy
        part.__dict__[key] = _bearing(name)
    return copy.get_config()


def nameless_functions(layer: keras.Layer) -> dict[str, tuple[int, str, Any]]:
    """Return {a name: (place among the layer and those within it, attribute, function)}.

    Args:
        layer: a layer; it is only read.
    """
    found = [
        (place, key, function)
        for place, part in enumerate((layer, *inner_layers(layer)))
        for key, function in _nameless(part).items()
    ]
    return {f"nameless_function_{number}": each for number, each in enumerate(found)}


def _nameless(part: keras.Layer) -> dict[str, Any]:
    """Return {attribute: function} of the functions that bear no name, and have no config."""
    return {
        key: value
        for key, value in vars(part).items()
        if callable(value) and not isinstance(value, type) and not hasattr(value, "get_config")
        if getattr(value, "__name__", "<lambda>") == "<lambda>"
    }


def _bearing(name: str) -> Any:
    def placeholder() -> None: ...

    placeholder.__name__ = name
    return placeholder


def duplicate(layer: keras.Layer, error: Exception) -> keras.Layer:
    """Return a copy of a layer as it stands in memory, with variables of its own.

    Args:
        layer: a layer; it is only read.
        error: why its config did not do, for the error message.

    Raises:
        PruningError: the layer is not built, or holds what cannot be copied.
    """
    if not layer.built:
        raise _unmakeable(layer, error) from error
    try:
        return deep_copy(layer)
    except Exception as second:  # an open file, a lock, a table of TensorFlow's
        raise _unmakeable(layer, error) from second


def without_arrays(config: Any) -> Any:
    """Return a config in which no initializer holds an array, whose size would be that of before.

    Weights get their values in another way; the initializer only has to fit when a file is read.

    Args:
        config: a layer's config, or a part of it.
    """
    if isinstance(config, list | tuple):
        return type(config)(map(without_arrays, config))
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "Constant" and np.ndim(_value(config)) > 0:
        return keras.initializers.serialize(keras.initializers.Zeros())
    return {key: without_arrays(value) for key, value in config.items()}


def _value(config: dict[str, Any]) -> Any:
    """Return the value of a Constant: a number, or an array, which Keras writes as a dict."""
    value = config.get("config", {}).get("value", 0)
    return value["config"]["value"] if isinstance(value, dict) else value


def _made(layer: keras.Layer, config: dict[str, Any]) -> keras.Layer:
    kind = type(layer)
    try:
        return kind.from_config(dict(config))
    except Exception as error:
        with keras.saving.custom_object_scope(_own_objects(layer)):
            for make in (kind.from_config, lambda own: kind(**own)):  # some take functions so alone
                with suppress(Exception):
                    return make(dict(config))
        raise error


def _with_own_functions(layer: keras.Layer, config: dict[str, Any]) -> dict[str, Any]:
    """Return a config with the layer's functions in place of their names."""
    own = {
        key: getattr(layer, key)
        for key, value in config.items()
        if isinstance(value, dict)
        and value.get("class_name") in ("function", "__lambda__")
        and callable(getattr(layer, key, None))
    }
    return {**config, **own}


def _own_objects(layer: keras.Layer) -> dict[str, Any]:
    """Return the functions and classes that a layer, and those within it, hold, by name."""
    found = {name: function for name, (_, _, function) in nameless_functions(layer).items()}
    for part in (layer, *inner_layers(layer)):
        found[type(part).__name__] = type(part)
        for value in vars(part).values():
            name = getattr(value, "__name__", None)
            if callable(value) and isinstance(name, str):
                found[name] = value
            elif isinstance(value, _PLUG_INS):
                found[type(value).__name__] = type(value)
    return found


def _unmakeable(layer: keras.Layer, error: Exception) -> PruningError:
    kind = type(layer).__name__
    why = (str(error).strip() or type(error).__name__).splitlines()[0]
    return PruningError(
        f"Layer {layer.name!r} ({kind}) cannot be copied: {why} Let {kind} have a get_config that "
        "gives all arguments of its __init__, let __init__ pass **kwargs on to Layer, and register "
        "the class and its functions with @keras.saving.register_keras_serializable()."
    )
