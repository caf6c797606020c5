"""Tensors lie in memory up to a bound and in files beyond it; what is dropped is forgotten."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.passes.tape import Ref, Step
from tfprune.reconstruction.lazy_run import LazyRun
from tfprune.reconstruction.tensor_store import TensorStore


def test_what_does_not_fit_lies_in_a_file():
    first, second = tf.range(10.0), tf.range(10.0) + 1
    with TensorStore(60) as store:
        kept = store.put(first), store.put(second)
        assert kept[0] is first
        assert isinstance(kept[1], Path)
        assert kept[1].exists()
        np.testing.assert_array_equal(store.get(kept[1]), second)
        store.discard(kept[1])
        assert not kept[1].exists()
        store.discard(kept[0])  # 40 bytes are free again
        assert store.put(second) is second
        folder = kept[1].parent
    assert not folder.exists()


def fails_with_a_file(paths):
    with TensorStore(0) as store:
        paths.append(store.put(tf.ones(3)))
        raise KeyError("the third run")


def test_the_folder_goes_after_an_exception():
    paths = []
    with pytest.raises(KeyError, match="the third run"):
        fails_with_a_file(paths)
    assert not paths[0].parent.exists()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_a_tensor_comes_back_as_it_was(dtype):
    tensor = tf.cast(tf.random.normal((2, 3), seed=1), dtype)
    with TensorStore(0) as store:
        again = store.get(store.put(tensor))
        assert again.dtype == tensor.dtype
        assert tf.reduce_all(again == tensor)


def test_masks_and_numbers_of_tokens_stay_in_memory():
    masked = keras.layers.Masking()(tf.ones((2, 3, 4)))
    with TensorStore(0) as store:
        assert store.put(masked) is masked
        assert store.put(tf.range(5)).dtype == tf.int32


def chain(depth):
    """Each call adds 1 to the tensor before."""
    return [Step(None, i, (Ref(i),), {}, (i + 1,)) for i in range(depth)]


def run_of(steps, store, made=None):
    def call(step, args, _):
        if made is not None:
            made.append(step)
        return args[0] + 1

    maker = {number: step for step in steps for number in step.outputs}
    return LazyRun(call, maker, store, {0: [tf.zeros(2), tf.ones(1)]})


def test_a_tensor_is_made_with_all_that_it_needs_also_of_a_deep_model():
    with TensorStore(1e9) as store:
        run = run_of(chain(3000), store)
        np.testing.assert_array_equal(run.tensor(3000, 0), [3000, 3000])
        np.testing.assert_array_equal(run.tensor(2000, 1), [2001])


def test_a_call_is_made_once_for_each_portion():
    made = []
    with TensorStore(1e9) as store:
        steps = chain(2)
        run = run_of(steps, store, made)
        run.tensor(2, 1)
        for step in steps:
            run.run(step)
        assert len(made) == 4
        run.drop(1)
        assert 1 not in run
        assert 2 in run
        run.drop(1)  # forgotten already
