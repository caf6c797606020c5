"""Copy one layer with other sizes, and let its weights start from given values."""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.keras_private import inner_layers, lookup
from tfprune.graph.layer_notes import Edit
from tfprune.graph.memory_copies import uncalled_copy
from tfprune.surgery.instances import config_of, duplicate, instance, without_arrays


class WeightSizeError(PruningError):
    """A weight came out in another shape than its value.

    Args:
        message: what to tell.
        weight: the weight's path.
        made: its shape in the copy.
        wanted: the shape of its value.
    """

    def __init__(self, message: str, weight: str, made: tuple, wanted: tuple):
        super().__init__(message)
        self.weight, self.made, self.wanted = weight, made, wanted


def copy_layer(
    operation: Any, edits: Mapping[str, Edit], kept: np.ndarray, dtype: str | None = None
) -> Any:
    """Return a new layer or operation of the same kind, its arguments edited.

    Args:
        operation: the layer or operation to copy; it is only read.
        edits: {path of an argument in the config: change(value, kept)}.
        kept: which ids stay, bool [ids].
        dtype: dtype policy of the copy; by default the layer's own.

    Raises:
        PruningError: a layer that neither its config nor a copy in memory makes again.
    """
    is_layer = isinstance(operation, keras.Layer)
    if not edits and not is_layer:
        return uncalled_copy(operation)  # its arguments may defy serialization
    if not edits and is_layer and _holds_adapters(operation):
        return duplicate(operation, ValueError("its config does not tell of the LoRA within it."))
    try:
        config = _without_shapes(
            config_of(operation) if is_layer else operation.get_config(), dtype
        )
    except Exception as error:  # a layer without a config of its own
        if edits:
            raise
        return duplicate(operation, error)
    config = with_vocabulary(operation, config if kept.all() else without_arrays(config))
    for path, change in edits.items():
        *parents, key = path.split("/")
        place = config
        for parent in parents:
            place = place[int(parent) if isinstance(place, list) else parent]
        place[key] = change(place[key], kept)
    if not is_layer:
        return type(operation).from_config(config)
    return instance(operation, config, edited=bool(edits))


def _holds_adapters(layer: keras.Layer) -> bool:
    """Return whether weights within a layer were added after it was made, by `enable_lora`."""
    return any(getattr(inner, "lora_enabled", False) for inner in inner_layers(layer))


def take_adapters(layer: keras.Layer, new: keras.Layer) -> None:
    """Enable each LoRA of a layer in its built copy: configs tell of some, and not of all.

    Args:
        layer: the layer; it is only read.
        new: its copy.
    """
    parts = ([x, *inner_layers(x)] for x in (layer, new))
    for old, copy in zip(*parts, strict=False):
        if getattr(old, "lora_enabled", False):
            if not copy.lora_enabled:
                copy.enable_lora(old.lora_rank)
            copy.lora_alpha = old.lora_alpha


def _without_shapes(config: Any, dtype: str | None) -> Any:
    """Drop the shapes that wrapped layers were built with: theirs change too."""
    if isinstance(config, list):
        return [_without_shapes(value, dtype) for value in config]
    if not isinstance(config, dict):
        return config
    changed = {k: _without_shapes(v, dtype) for k, v in config.items() if k != "build_config"}
    if dtype is not None and "dtype" in changed and "name" in changed:
        changed["dtype"] = dtype
    return changed


def start_from(layer: keras.Layer, names: Sequence[str], values: Sequence) -> None:
    """Let a layer that is not built create its weights with these values.

    Drawing random numbers that are overwritten at once would take longer than all the rest.
    """
    given = dict(zip(names, values, strict=True))
    if len(given) < len(names):  # weights of inner layers share names: they are assigned later
        return
    create = layer.add_weight
    used = set()

    def add_weight(*args: Any, **kwargs: Any) -> Any:
        name = kwargs.get("name")
        if name in given:  # not so for a weight without a name: it is assigned later
            value = given[name]
            used.add(name)
            kwargs["initializer"] = lambda shape, dtype=None: tf.constant(value, dtype)
        return create(*args, **kwargs)

    add_weight.used = used
    layer.__dict__["add_weight"] = add_weight  # past Keras' attribute tracking, which would keep it


def finish(layer: keras.Layer, values: Sequence[np.ndarray]) -> None:
    """Give a built layer the rest of its values, and check that every size is right.

    Raises:
        PruningError: a weight came out in another shape than its value, so that the rule for
            this kind of layer labels or resizes wrongly; or not all weights are made by `build`.
    """
    started = getattr(layer.__dict__.pop("add_weight", None), "used", ())
    if len(layer.weights) != len(values):
        raise PruningError(
            f"Layer {layer.name!r} ({type(layer).__name__}) has {len(values)} weights, its copy "
            f"{len(layer.weights)} once it is built: some are made by its first call. Build the "
            "layers within it in `build`, so that every copy has the same weights."
        )
    for weight, value in zip(layer.weights, values, strict=True):
        if tuple(weight.shape) != value.shape:
            made, wanted = tuple(weight.shape), tuple(value.shape)
            raise WeightSizeError(
                f"Layer {layer.name!r} ({type(layer).__name__}): weight {weight.name!r} was "
                f"rebuilt with shape {made}, but what is kept of it has shape {wanted}. The rule "
                f"for {type(layer).__name__} must label and resize the same channels.",
                weight.path,
                made,
                wanted,
            )
        if weight.name not in started:
            weight.assign(value)
    if hasattr(layer, "finalize_state"):  # preprocessing layers compute with copies of weights
        layer.finalize_state()


def copy_assets(layer: Any, new: Any) -> None:
    """Give a new preprocessing layer the old one's state that is not a weight: its vocabulary."""
    if getattr(lookup(new), "input_vocabulary", None) is not None:
        return  # made with it
    with tempfile.TemporaryDirectory() as folder:
        layer.save_assets(folder)
        new.load_assets(folder)


def with_vocabulary(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return a config with the vocabulary that a layer has learnt together with its weights.

    Keras' own assets hold the words alone, and words that are weighted cannot be set without.

    Args:
        layer: a layer; those that weight no words keep their config.
        config: its config.
    """
    words_of = lookup(layer)
    weights = getattr(words_of, "idf_weights", None)
    if weights is None or config.get("vocabulary") is not None:
        return config
    words = words_of.get_vocabulary(include_special_tokens=False)
    special = len(words_of.get_vocabulary()) - len(words)
    numbers = np.asarray(weights)[special : special + len(words)]
    return {**config, "vocabulary": words, "idf_weights": numbers.tolist()}
