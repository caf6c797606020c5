"""Open a model: the functional graph of the stock layers that its calls are made of."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import is_graph, nodes
from tfprune.graph.opening.blame import blamed, patterns
from tfprune.graph.opening.checking import require_equal
from tfprune.graph.opening.closed import Closed
from tfprune.graph.opening.composite import is_composite
from tfprune.graph.opening.lengths import with_lengths
from tfprune.graph.opening.model_inputs import ModelInputs, inputs_of, open_by
from tfprune.graph.opening.refusals import NotEqualError, NotOpenedError
from tfprune.graph.opening.sizes import Sizes
from tfprune.graph.opening.traced_model import traced_model
from tfprune.graph.opening.tracing import Tracer
from tfprune.graph.opening.weights import weight_sizes
from tfprune.surgery.compile_state import compile_like
from tfprune.surgery.keras_faults import misread_activation


def open_up(model: keras.Model, inputs: Any = None, *, keep: Iterable[str] = ()) -> keras.Model:
    """Return the functional model of stock layers and operations that a model is made of.

    Composite layers and subclassed models are opened by running their `call` on symbolic tensors,
    down to layers that `tfprune` has a rule for. Weights that a composite layer owns (a position
    table, a class token, a scale) become Embedding layers. The batch, and every size that is open
    in the inputs, stay open; shared layers stay shared; what a `training` argument switches, still
    switches. The result is compared with the model on random inputs.

    Args:
        model: a built model of any kind; it is not changed.
        inputs: what the model is called with, as a `keras.Input`, a `keras.KerasTensor`, an array,
            or a nesting of them; by default what the model was built for, with an open batch.
        keep: patterns of names (`"block_*.mixer"`) of composite layers that are left whole.

    Returns:
        A new functional model with names like `stages.0.conv1`, or the model itself if it holds
        nothing to open. It loads without custom objects unless layers were left whole, or a rule
        was taught for a layer of one's own.

    Raises:
        PruningError: a call that cannot be traced (its way depends on data, it changes a state or
            draws random numbers), with the layer and the line; a pattern that matches nothing; a
            model whose inputs are unknown; or outputs that differ from the model's.

    Example:
        >>> class Residual(keras.layers.Layer):
        ...     def __init__(self, units):
        ...         super().__init__()
        ...         self.inner = keras.layers.Dense(8, activation="relu")
        ...         self.outer = keras.layers.Dense(units)
        ...     def call(self, x):
        ...         return x + self.outer(self.inner(x))
        >>> model = keras.Sequential([keras.Input((4,)), Residual(4), keras.layers.Dense(2)])
        >>> [layer.name for layer in open_up(model).layers][1:3]
        ['residual.inner', 'residual.outer']
    """
    opened, _ = _open(model, inputs, tuple(keep), strict=True)
    return opened


def opened_where_possible(model: keras.Model, inputs: Any = None) -> tuple[keras.Model, dict]:
    """Return a model with its composite layers opened, and {layer left whole: why}.

    Args:
        model: a built model; one that holds nothing to open is returned as it is.
        inputs: as for `open_up`.

    Raises:
        PruningError: a subclassed model whose own call cannot be traced.
    """
    if not needs_opening(model):
        return model, {}
    try:
        return _open(model, inputs, (), strict=False)
    except PruningError as error:
        if not is_graph(model):
            raise
        composite = [x.operation for x in nodes(model) if _is_to_open(x.operation)]
        return model, {layer.name: str(error) for layer in composite}


def needs_opening(model: Any) -> bool:
    """Return whether a model is subclassed, or holds layers that are.

    Args:
        model: any object; of what is no built model nothing can be said.
    """
    if not isinstance(model, keras.Model) or (not is_graph(model) and not model.built):
        return False
    if isinstance(model, keras.Sequential) and not model.built:
        return False
    return not is_graph(model) or any(_is_to_open(node.operation) for node in nodes(model))


def _is_to_open(operation: Any) -> bool:
    if is_graph(operation):
        return needs_opening(operation)
    return is_composite(operation) or misread_activation(operation) is not None


def _open(
    model: keras.Model, inputs: Any, keep: Sequence[str], *, strict: bool
) -> tuple[keras.Model, dict[str, str]]:
    signature = with_lengths(model, inputs_of(model, inputs))

    def opened_but(more: tuple[str, ...]) -> tuple[keras.Model, dict[str, str]]:
        return _attempt(model, signature, Closed((*keep, *more)), strict=strict)

    try:
        return opened_but(())
    except NotEqualError as error:
        found = blamed(model, error, opened_but)
        if not found:
            raise
        if strict:
            name, (layer, why) = next(iter(found.items()))
            raise NotOpenedError.because(layer, name, why) from error
        opened, reasons = opened_but(patterns(found))
        return opened, reasons | {name: why for name, (_, why) in found.items()}


def _attempt(
    model: keras.Model, signature: ModelInputs, closed: Closed, *, strict: bool
) -> tuple[keras.Model, dict[str, str]]:
    first: Exception | None = None
    for short in (False, True) if signature.has_open_sizes else (False,):

        def traced(shared: frozenset[int], short: bool = short) -> tuple[Tracer, keras.Model]:
            shapes, groups = [x.shape for x in signature.flat], signature.groups
            sizes = Sizes(shapes, weight_sizes(model), short=short, groups=groups)
            tracer = Tracer(model, sizes, closed, strict=strict, shared=shared)
            return tracer, traced_model(model, signature, tracer)

        try:
            tracer, opened = traced(frozenset())
            if shared := tracer.weights.held_twice():
                tracer, opened = traced(frozenset(shared))
                _require_shared(model, tracer)
            _require_reached(model, signature, tracer)
            closed.require_used()
            if not (tracer.opened or tracer.calls.activations) and is_graph(model):
                return model, tracer.reasons
            require_equal(model, opened, signature, tracer.branching)
        except PruningError as error:
            first = first or error
        else:
            compile_like(opened, model)
            return opened, tracer.reasons
    raise first


def _require_reached(model: keras.Model, signature: ModelInputs, tracer: Tracer) -> None:
    """Refuse to lose weights that only a call with more tensors reads."""
    more, lost = signature.left_out(model), tracer.weights.unread(model)
    if more and lost:
        raise PruningError(
            f"Model {model.name!r} cannot be opened: {', '.join(lost)} are not read by a call "
            f"without {', '.join(more)}. {open_by([*signature.given(model), *more])}"
        )


def _require_shared(model: keras.Model, tracer: Tracer) -> None:
    """Refuse weights that two layers would hold all the same, each its own."""
    twice = tracer.weights.held_twice()
    if twice:
        paths = ", ".join(sorted(w.path for w in model.weights if id(w) in twice))
        raise PruningError(
            f"Model {model.name!r} cannot be opened: {paths} would become two weights, as what is "
            "left whole holds them and another call reads them. Let that layer be opened."
        )
