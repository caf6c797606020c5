"""A reconstruction that was stopped goes on where it was, to the same weights to the bit."""

import numpy as np
import pytest

import tfprune
from tests.passes.on_replicas import network
from tfprune.passes.keeping import keeping
from tfprune.reconstruction import fitting, together

IMAGES = np.random.default_rng(0).normal(size=(600, 6, 6, 2)).astype("float32")
KEEP = {"first": np.arange(5) > 1, "conv": np.arange(6) > 2}


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def graph():
    return tfprune.analyse(network())


def reconstructed(graph, images=IMAGES, **options):
    small = tfprune.rebuild(graph, KEEP)
    found, report = tfprune.reconstruct(graph, KEEP, small, images, passes=3, **options)
    return found.get_weights(), [fit.ridge for fit in report.layers], report.after


@pytest.fixture(scope="module")
def whole(graph):
    return reconstructed(graph)


def require_equal(found, whole):
    for one, other in zip(found[0], whole[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert found[1:] == whole[1:]


@pytest.fixture
def solved(monkeypatch):
    """One entry for each layer that is solved and each step of a pass."""
    done, solve, step = [], fitting.solve, together.Together._samples

    def counted(*args, **kwargs):
        done.append("layer")
        return solve(*args, **kwargs)

    def stepped(*args):
        done.append("samples")
        return step(*args)

    monkeypatch.setattr(fitting, "solve", counted)
    monkeypatch.setattr(together.Together, "_samples", stepped)
    return done


def stopped(graph, folder, after):
    def watch(done, of):
        if done == after(of):
            raise KilledError

    with keeping(folder), pytest.raises(KilledError):
        reconstructed(graph, progress=watch)


@pytest.mark.parametrize("after", [lambda of: 3, lambda of: of - 1], ids=["a layer", "two passes"])
def test_only_what_was_not_kept_is_found(tmp_path, graph, whole, solved, after):
    with keeping(tmp_path / "undisturbed"):
        reconstructed(graph)
    every = list(solved)
    stopped(graph, tmp_path / "stopped", after)
    solved.clear()
    with keeping(tmp_path / "stopped"):
        require_equal(reconstructed(graph), whole)
    assert solved.count("layer") < every.count("layer")
    if after(9) > 3:
        assert solved.count("layer") == 0
        assert solved.count("samples") < every.count("samples") / 2


def test_other_samples_seeds_and_masks_are_not_taken_for_the_same(tmp_path, graph, whole):
    with keeping(tmp_path):
        reconstructed(graph)
    with keeping(tmp_path):
        other = reconstructed(graph, IMAGES * 1.1)
    require_equal(other, reconstructed(graph, IMAGES * 1.1))
    with keeping(tmp_path):
        other = reconstructed(graph, seed=1)
    require_equal(other, reconstructed(graph, seed=1))
    assert other[2] != whole[2]


def test_a_layer_that_does_not_follow_from_its_kernel_is_kept_as_that(tmp_path, graph, monkeypatch):
    monkeypatch.setattr(fitting, "_holds", lambda *args: False)
    small = tfprune.rebuild(graph, KEEP)
    for _ in range(2):
        with keeping(tmp_path):
            _, report = tfprune.reconstruct(graph, KEEP, small, IMAGES)
        assert {fit.skipped for fit in report.layers} == {
            "what it computes does not follow from its kernel"
        }
