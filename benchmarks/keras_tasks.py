"""Our side: what is timed on a Keras model."""

import warnings
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

import tfprune
from benchmarks.measuring import peak_memory, resident_memory, stopwatch


def use_one_thread() -> None:
    """Let TensorFlow compute with one thread; to be called before anything is computed."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def build(name: str) -> keras.Model:
    """Return a network of keras.applications at its own input size, randomly initialised."""
    keras.utils.clear_session()
    return getattr(keras.applications, name)(weights=None)


def floor(model: keras.Model) -> keras.Model:
    """Clone a model without random initial values: what any rebuild in Keras has to spend."""

    def with_zeros(layer: Any) -> Any:
        config = layer.get_config()
        for key in config:
            if key.endswith("_initializer"):
                config[key] = "zeros"
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=with_zeros)


def halve(model: keras.Model) -> keras.Model:
    """Remove half of the channels by L1: analyse, score, select, rebuild."""
    graph = tfprune.analyse(model)
    scores = tfprune.score(graph, "l1", None)
    return tfprune.rebuild(graph, tfprune.select(graph, scores, ratio=0.5))


def parts(model: keras.Model) -> dict[str, Callable[[], float]]:
    """Return the tasks on one model, each of which returns its own time in seconds."""
    graph = tfprune.analyse(model)
    scores = tfprune.score(graph, "l1", None)
    keep = tfprune.select(graph, scores, ratio=0.5)
    return {
        "analyse": stopwatch(lambda: tfprune.analyse(model)),
        "score": stopwatch(lambda: tfprune.score(graph, "l1", None)),
        "select": stopwatch(lambda: tfprune.select(graph, scores, ratio=0.5)),
        "rebuild": stopwatch(lambda: tfprune.rebuild(graph, keep)),
        "all": stopwatch(lambda: halve(model)),
        "floor": stopwatch(lambda: floor(model)),
    }


def memory_shares(name: str) -> tuple[float, float] | None:
    """Return the peak memory of pruning as a share of the two models, and of their weights.

    The old model counts too: 1 would be an old and a new model and nothing else. Keras' own objects
    count as parts of a model; they outweigh the weights of a small network. To be measured in a
    fresh process, where no freed memory is reused.
    """
    with warnings.catch_warnings(action="ignore"):  # what is loaded and cached once is no model's
        halve(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(2)]))
    before = resident_memory()
    model = build(name)
    if before is None:
        return None
    start = resident_memory()
    extra, small = peak_memory(lambda: halve(model))
    after = resident_memory()
    weights = _size(model) + _size(small)
    return (start - before + extra) / (after - before), (_size(model) + extra) / weights


def _size(model: keras.Model) -> int:
    return sum(weight.value.numpy().nbytes for weight in model.weights)
