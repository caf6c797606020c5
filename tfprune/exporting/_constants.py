"""A SavedModel whose weights are constants: what converters read, in a quarter of the time.

Most of a SavedModel's time goes into functions that save and restore its variables. No converter
looks at them: it makes constants of the variables itself.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfprune.exporting._signature import call, input_names, output_names

_GRADIENT = "_gradient_op_type"
_LARGEST = 2**30  # bytes of weights: with its constants a graph must stay below 2 GiB
Function = Callable[..., dict[str, tf.Tensor]]


def write(models: Mapping[str, keras.Model], path: Path | str) -> None:
    """Write one signature per model, with its own input and output names and a free batch size.

    Where a model has more than weights (a table of words, a state that its call changes), or very
    many of them, variables stay what they are.

    Args:
        models: {name of the signature: model}.
        path: the folder.
    """
    functions = {name: _function(model) for name, model in models.items()}
    traced = {name: function.get_concrete_function() for name, function in functions.items()}
    size = sum(4 * model.count_params() for model in models.values())
    if size > _LARGEST or not all(map(_has_weights_alone, traced.values())):
        _write_variables(models, functions, path)
        return
    module = tf.Module()
    module.functions = [
        _constant(traced[name], functions[name].input_signature, output_names(model))
        for name, model in models.items()
    ]
    signatures = dict(zip(models, module.functions, strict=True))
    # A gradient of one's own (silu has one) captures tensors that are no longer there.
    plain = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(path), signatures=signatures, options=plain)
    _without_gradients(Path(path) / "saved_model.pb")


def _function(model: keras.Model) -> Any:
    specs = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for tensor, name in zip(model.inputs, input_names(model), strict=True)
    ]
    return tf.function(lambda *tensors: call(model, list(tensors)), input_signature=specs)


def _has_weights_alone(traced: Any) -> bool:
    """Return whether a function captures variables alone and changes none."""
    definition = traced.graph.as_graph_def()
    inner = (node for own in definition.library.function for node in own.node_def)
    changes = any(node.op.startswith("Assign") for node in (*definition.node, *inner))
    weights = {id(variable.handle) for variable in traced.variables}
    return not changes and all(id(tensor) in weights for tensor in traced.captured_inputs)


def _constant(traced: Any, specs: Any, names: list[str]) -> Function:
    constant = convert_variables_to_constants_v2(traced, lower_control_flow=False)
    return tf.function(
        lambda *tensors: dict(zip(names, constant(*tensors), strict=True)), input_signature=specs
    )


def _without_gradients(file: Path) -> None:
    """Take out of a SavedModel's file that operations have gradients: else each load warns."""
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    library = saved.meta_graphs[0].graph_def.library
    nodes = [node for function in library.function for node in function.node_def]
    with_gradients = [node for node in nodes if _GRADIENT in node.attr]
    for node in with_gradients:
        del node.attr[_GRADIENT]
    if with_gradients:
        file.write_bytes(saved.SerializeToString())


def _write_variables(
    models: Mapping[str, keras.Model], functions: Mapping[str, Any], path: Path | str
) -> None:
    archive = keras.export.ExportArchive()
    for name, model in models.items():
        archive.track(model)
        archive.add_endpoint(name, _named(functions[name], output_names(model)))
    archive.write_out(str(path), verbose=False)


def _named(function: Any, names: list[str]) -> Function:
    return tf.function(
        lambda *tensors: dict(zip(names, function(*tensors), strict=True)),
        input_signature=function.input_signature,
    )
