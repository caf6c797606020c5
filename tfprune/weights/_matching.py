"""Which tensor belongs to which variable: decided by names and shapes, before anything changes."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType, ModuleType

import keras

from tfprune.errors import PruningError
from tfprune.weights._conversion import Shape, Source, sources
from tfprune.weights.report import WeightsReport

Wanted = dict[str, tuple[keras.layers.Layer, Source]]

_NO_COUNTERPART = MappingProxyType(
    {
        "num_batches_tracked": "counts training steps, which Keras does not",
        "total_ops": "left by the FLOP counter thop",
        "total_params": "left by the FLOP counter thop",
    }
)


def match(
    model: keras.Model, shapes: Mapping[str, Shape], layout: ModuleType, ignore: Sequence[str]
) -> tuple[WeightsReport, Wanted]:
    """Return the report, and for each tensor to load its layer and how it becomes a variable.

    Args:
        model: the model; it is only read.
        shapes: {tensor's name in the checkpoint: its shape}.
        layout: a module of `tfprune.weights.layouts`.
        ignore: patterns of tensors that may stay unused.

    Raises:
        PruningError: a pattern matches no tensor, or the layout gives one tensor to two layers.
    """
    wanted, missing = _wanted(model, layout)
    names = _names_in_checkpoint(shapes, layout)
    ignored = _ignored(shapes, ignore)
    found, misshapen = {}, {}
    for tensor, (layer, source) in wanted.items():
        name, path = names.get(tensor), f"{layer.name}/{source.variable.name}"
        if name is None or name in ignored:
            missing[path] = f"tensor {tensor!r} of shape {source.shape}"
        elif shapes[name] != source.shape:
            misshapen[name] = f"expected {source.shape} for {path}, received {shapes[name]}"
        else:
            found[name] = (layer, source)
    report = WeightsReport(
        layout=layout.__name__.rpartition(".")[2],
        loaded={name: f"{la.name}/{source.variable.name}" for name, (la, source) in found.items()},
        missing=missing,
        misshapen=misshapen,
        unused={n: s for n, s in shapes.items() if n not in {*found, *misshapen, *ignored}},
        ignored=ignored,
    )
    return report, found


def _wanted(model: keras.Model, layout: ModuleType) -> tuple[Wanted, dict[str, str]]:
    layers = [layer for layer in model.layers if layer.weights]  # a random layer's seed is none
    modules = layout.modules([layer.name for layer in layers])
    wanted, missing = {}, {}
    for layer in layers:
        found = sources(layer, _flattened(model, layer.name, layout))
        if layer.name in modules and found is not None:
            for source in found:
                _add(wanted, f"{modules[layer.name]}.{source.suffix}", layer, source)
            continue
        what = "conversion for layers of kind " + type(layer).__name__
        if found is not None:
            what = f"name for this layer in the layout {layout.__name__.rpartition('.')[2]}"
        missing |= {f"{layer.name}/{weight.name}": what for weight in layer.weights}
    return wanted, missing


def _add(wanted: Wanted, tensor: str, layer: keras.layers.Layer, source: Source) -> None:
    if tensor in wanted:
        other, _ = wanted[tensor]
        raise PruningError(
            f"Tensor {tensor!r}: expected one layer for it, received {other.name!r} and "
            f"{layer.name!r} from the layout; give each layer its own module."
        )
    wanted[tensor] = (layer, source)


def _flattened(model: keras.Model, name: str, layout: ModuleType) -> Shape | None:
    """Return height, width and channels before the Flatten that a dense layer sees, if any."""
    if name != getattr(layout, "FLATTENED", None):
        return None
    flatten = next(x for x in model.layers if isinstance(x, keras.layers.Flatten))
    return tuple(flatten.input.shape[1:])


def _names_in_checkpoint(shapes: Mapping[str, Shape], layout: ModuleType) -> dict[str, str]:
    """Return {name in the layout: name in the checkpoint}."""
    other = getattr(layout, "OTHER_NAMES", {})
    names = {}
    for name in shapes:
        module, _, suffix = name.rpartition(".")
        names[f"{other.get(module, module)}.{suffix}"] = name
    return names


def _ignored(shapes: Mapping[str, Shape], patterns: Sequence[str]) -> dict[str, str]:
    ignored = {
        name: _NO_COUNTERPART[suffix]
        for name in shapes
        if (suffix := name.rpartition(".")[2]) in _NO_COUNTERPART
    }
    for pattern in patterns:
        matching = [name for name in shapes if fnmatchcase(name, pattern)]
        if not matching:
            raise PruningError(
                f"ignore: expected patterns of tensors in the checkpoint, received {pattern!r}, "
                f"which matches none of its {len(shapes)}, e.g. {', '.join([*shapes][:3])}."
            )
        ignored |= dict.fromkeys(matching, f"as the pattern {pattern!r} asks")
    return ignored
