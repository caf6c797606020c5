"""Make the functional model that a trace has seen."""

import keras

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import is_graph
from tfprune.graph.keras_private import made_by, maker
from tfprune.graph.opening.composite import is_composite
from tfprune.graph.opening.model_inputs import ModelInputs
from tfprune.graph.opening.refusals import NotEqualError, reason
from tfprune.graph.opening.stock import named
from tfprune.graph.opening.symbolic import watched
from tfprune.graph.opening.tracing import Tracer
from tfprune.surgery.builder import duplicate_model


def traced_model(model: keras.Model, signature: ModelInputs, tracer: Tracer) -> keras.Model:
    """Return the functional model of the calls that a model makes.

    Args:
        model: the model; it is not changed.
        signature: what it takes.
        tracer: a new trace of it.

    Raises:
        PruningError: a call that cannot be traced, or an operation that takes no open size.
    """
    symbols = [
        keras.Input(batch_shape=shape, dtype=x.dtype, name=tracer.calls.names.unique(name))
        for shape, x, name in zip(tracer.sizes.shapes, signature.flat, signature.names, strict=True)
    ]
    tracer.sizes.inputs = symbols
    nested = signature.nested(symbols)
    with watched(tracer):
        try:
            outputs = tracer.run(*signature.arguments(nested))
        except PruningError:
            raise
        except Exception as error:  # whatever the model's own call raises
            raise tracer.refused(model, error) from error
    if is_graph(model):
        flat = zip(keras.tree.flatten(outputs), model.outputs, strict=True)
        outputs = keras.tree.pack_sequence_as(outputs, [_under_its_name(*pair) for pair in flat])
    traced = keras.Model(nested, outputs, name=model.name)
    try:
        return duplicate_model(traced, shapes=[x.shape for x in signature.flat])
    except Exception as error:  # of an operation that must know a size, as a Fourier transform
        raise NotEqualError(
            model.name,
            f"an operation takes no open size ({reason(error)}). Pass inputs=keras.Input(...) of "
            "fixed sizes.",
        ) from error


def _under_its_name(output: keras.KerasTensor, old: keras.KerasTensor) -> keras.KerasTensor:
    """Return an output that bears the name of the composite layer it came from."""
    composite = maker(old)
    if maker(output).name == composite.name:  # it was left whole
        return output
    single = len(made_by(old).outputs) == 1
    return named(output, composite.name) if single and is_composite(composite) else output
