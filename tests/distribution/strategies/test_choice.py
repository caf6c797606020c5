"""Which strategy a name stands for, and what of the machine's devices it takes."""

import pytest
import tensorflow as tf

from tfprune.distribution import clusters, strategies
from tfprune.distribution.strategies import auto, mirrored, multi_worker, single
from tfprune.errors import PruningError

TWO = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    for name in ("TF_CONFIG", "SLURM_PROCID", "JOB_COMPLETION_INDEX"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def made(monkeypatch):
    """The names of the ways that `auto` took."""
    taken = []
    for module in (mirrored, multi_worker, single):
        monkeypatch.setattr(module, "make", lambda name=module.__name__: taken.append(name))
    return taken


def test_an_unknown_strategy_lists_the_others():
    with pytest.raises(PruningError, match=r"Unknown strategy 'mirror'.*'mirrored'.*auto, mirr"):
        strategies.make("mirror")


@pytest.mark.parametrize(
    ("gpus", "taken"), [([], "single"), (["a"], "single"), (["a", "b"], "mirrored")]
)
def test_auto_takes_all_gpus(monkeypatch, made, gpus, taken):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: gpus)
    auto.make()
    assert made == [f"tfprune.distribution.strategies.{taken}"]


def test_auto_takes_all_workers(monkeypatch, made):
    monkeypatch.setenv("TF_CONFIG", TWO)
    auto.make()
    assert made == ["tfprune.distribution.strategies.multi_worker"]


def test_workers_that_nobody_names_are_refused():
    assert clusters.found() is None
    with pytest.raises(PruningError, match=r"expected TF_CONFIG.*launch\.py --workers 2"):
        strategies.make("multi_worker")


def test_workers_cannot_be_joined_once_tensorflow_has_started(monkeypatch):
    tf.constant(1.0)
    monkeypatch.setenv("TF_CONFIG", TWO)
    with pytest.raises(PruningError, match=r"cannot be joined any more, TensorFlow has started"):
        strategies.make("multi_worker")


def test_a_processor_cannot_be_divided_once_tensorflow_has_started():
    tf.constant(1.0)
    with pytest.raises(PruningError, match=r"cannot be chosen any more, TensorFlow has started"):
        strategies.make("mirrored", cpus=2)


def test_gpus_are_chosen_by_their_numbers(monkeypatch):
    seen = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a", "b", "c"])
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *given: seen.append(given))
    strategies.make("single", gpus=["2", "0"])
    assert seen == [(["a", "c"], "GPU")]
    with pytest.raises(PruningError, match=r"named twice: received 1,1"):
        strategies.make("single", gpus=["1", "1"])
    with pytest.raises(PruningError, match=r"no GPU 3: TensorFlow sees 3 of them"):
        strategies.make("single", gpus=["0", "3"])


def test_the_processor_takes_the_place_of_gpus():
    assert mirrored.make().extended.worker_devices[0].endswith("CPU:0")
