"""Which composite layers are to blame where a model as a whole does not come out right."""

import inspect
from collections.abc import Callable, Iterable
from glob import escape
from pathlib import Path

import keras

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import is_graph, nodes
from tfprune.graph.opening.composite import is_composite
from tfprune.graph.opening.refusals import NotEqualError


def blamed(
    model: keras.Model, error: NotEqualError, open_but: Callable[[tuple[str, ...]], object]
) -> dict[str, tuple[keras.Layer, str]]:
    """Return {name: (layer, why)} of the layers that do not come out right though alone opened.

    Layers of one class are tried together.

    Args:
        model: the model; of a subclassed one nothing is found.
        error: what is wrong with all of it.
        open_but: opens the model but for layers of these patterns, or raises.
    """
    operations = [x.operation for x in nodes(model)] if is_graph(model) else []
    layers = {x.name: x for x in operations if is_composite(x)}
    found = {}
    for kind in dict.fromkeys(map(type, layers.values())):
        others = (name for name, layer in layers.items() if type(layer) is not kind)
        why = _fails(patterns(others), open_but, error)
        if why is not None:
            own = [(name, layer) for name, layer in layers.items() if type(layer) is kind]
            found.update(
                (name, (layer, f"its call ({_line(layer)}) does not come out right: {why}"))
                for name, layer in own
            )
    return found


def patterns(names: Iterable[str]) -> tuple[str, ...]:
    """Return patterns that match names as they stand."""
    return tuple(map(escape, names))


def _fails(others: tuple[str, ...], open_but: Callable, error: NotEqualError) -> str | None:
    """Return why a model cannot be opened but for some layers; None where it can."""
    if not others:
        return error.why.rstrip(".")
    try:
        open_but(others)
    except NotEqualError as own:
        return own.why.rstrip(".")
    except PruningError:  # of another kind: it is told by itself
        return None
    return None


def _line(layer: keras.Layer) -> str:
    """Return where the call of a layer stands."""
    try:
        lines, first = inspect.getsourcelines(type(layer).call)
    except (OSError, TypeError):
        return "its source is not known"
    definition = next((line.strip() for line in lines if "def " in line), "call")
    name = Path(inspect.getsourcefile(type(layer).call) or "").name
    return f"{name}, line {first}: {definition!r}"
