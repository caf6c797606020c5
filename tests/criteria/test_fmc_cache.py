"""FP-FMC's cache: what goes on after a stop, and what is refused."""

import threading

import joblib
import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.criteria.test_fmc import GRAPH, fmc, identity_model, images
from tfprune import PruningError
from tfprune.criteria.fmc import steps
from tfprune.criteria.fmc.cache import Cache
from tfprune.criteria.fmc.images import collect


class Stopped(Exception):  # noqa: N818
    """Stands for a run that was killed."""


def test_a_stopped_run_goes_on(tmp_path, monkeypatch):
    told, placed = [], []
    place = steps.place
    monkeypatch.setattr(
        steps, "place", lambda maps, *rest: placed.append(len(maps)) or place(maps, *rest)
    )

    def stop(done, total, left):
        told.append((done, total))
        assert left >= 0
        if done == 4:
            raise Stopped

    batch = images(9)
    with pytest.raises(Stopped):
        fmc(batch, cache_dir=tmp_path, progress=stop)
    scores = fmc(batch[::-1], cache_dir=tmp_path, progress=stop)
    assert told == [(4, 9), (8, 9), (9, 9)]
    assert placed == [4, 4, 1]
    np.testing.assert_array_equal(scores["conv"], fmc(batch)["conv"])
    placed.clear()
    again = fmc(batch, cache_dir=tmp_path, progress=stop)
    np.testing.assert_array_equal(again["conv"], scores["conv"])
    (tmp_path / "step1_labels" / "head.npy").unlink()
    other = fmc(batch, cache_dir=tmp_path, index="literal", progress=stop)
    assert not placed
    np.testing.assert_array_equal(other["conv"], fmc(batch, index="literal")["conv"])
    assert np.load(tmp_path / "step1_labels" / "head.npy").shape == (9, 2)


def test_a_cache_of_other_images_models_or_options_is_refused(tmp_path):
    fmc(images(), cache_dir=tmp_path)
    other = tfprune.analyse(identity_model(12, branch=True))
    for batch, graph, options, what in (
        (images()[1:], GRAPH, {}, "images"),
        (images(), other, {}, "model"),
        (images(), GRAPH, {"seed": 1}, "seed: 0 there, 1 now"),
        (images(), GRAPH, {"cluster_stride": 2}, "cluster_stride"),
    ):
        with pytest.raises(PruningError, match=f"holds another cache, which differs in {what}"):
            fmc(batch, graph, cache_dir=tmp_path, **options)


def like(graph, **options):
    """The graph of another model with the same names and weights."""
    model = identity_model(12, **options)
    model.set_weights(graph.model.get_weights())
    return tfprune.analyse(model)


@pytest.mark.parametrize("options", [{"activation": "tanh"}, {"strides": 2}])
def test_a_cache_of_another_model_of_equal_weights_is_refused(tmp_path, options):
    scores = fmc(images(), cache_dir=tmp_path)
    with pytest.raises(PruningError, match=r"another cache, .* model: '\w+' there, '\w+' now\."):
        fmc(images(), like(GRAPH, **options), cache_dir=tmp_path)
    again = fmc(images(), like(GRAPH), cache_dir=tmp_path)
    np.testing.assert_array_equal(again["conv"], scores["conv"])


def test_a_model_goes_on_from_its_file(tmp_path, monkeypatch):
    fmc(images(), cache_dir=tmp_path / "cache")
    GRAPH.model.save(tmp_path / "model.keras")
    monkeypatch.setattr(steps, "place", None)
    (tmp_path / "cache" / "step2_index" / "label" / "conv.npy").unlink()
    loaded = keras.models.load_model(tmp_path / "model.keras")
    fmc(images(), tfprune.analyse(loaded), cache_dir=tmp_path / "cache")


class Opaque(layers.Layer):
    """A layer that cannot be serialised."""

    def __init__(self, function):
        super().__init__(name="opaque")
        self.function = function

    def call(self, x):
        return self.function(x)


def test_a_model_that_cannot_be_told_from_others_is_not_cached(tmp_path):
    image = keras.Input((4, 4, 3))
    y = layers.Conv2D(6, 3, name="conv")(Opaque(lambda x: 2 * x)(image))
    y = layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(y))
    graph = tfprune.analyse(keras.Model(image, y, name="mine"), open_layers=False)
    batch = images()[..., :3]
    with pytest.raises(
        PruningError, match=r"'mine' cannot be told .*NotImplemented.*without cache"
    ):
        fmc(batch, graph, cache_dir=tmp_path)
    assert not list(tmp_path.iterdir())
    assert fmc(batch, graph)["conv"].shape == (6,)


def test_whole_numbers_of_numpy_are_taken_as_such(tmp_path):
    numbers = {"seed": np.int64(3), "cluster_stride": np.uint8(2)}
    scores = fmc(images(), cache_dir=tmp_path, **numbers)
    plain = {name: int(value) for name, value in numbers.items()}
    np.testing.assert_array_equal(fmc(images(), **plain)["conv"], scores["conv"])
    fmc(images(), cache_dir=tmp_path, **plain)


def test_what_is_kept_of_an_image_is_read_once(tmp_path, monkeypatch):
    read, names = Cache.read, []
    monkeypatch.setattr(Cache, "read", lambda self, name: names.append(name) or read(self, name))
    scores = fmc(images(9), cache_dir=tmp_path)
    digests = collect([(image[None],) for image in images(9)]).digests
    kept = [f"step0_K/image_{digest:032x}.npz" for digest in digests]
    assert [name for name in names if "image_" in name] == kept
    names.clear()
    for made in [*tmp_path.rglob("conv.npy"), *tmp_path.rglob("head.npy")]:
        made.unlink()
    again = fmc(images(9), cache_dir=tmp_path)
    assert [name for name in names if "image_" in name] == kept
    np.testing.assert_array_equal(again["conv"], scores["conv"])


def test_a_portion_is_kept_and_told_as_soon_as_it_is_done(tmp_path, monkeypatch):
    batch, place, done, told = images(9), steps.place, threading.Event(), []
    first = collect([(image[None],) for image in batch]).digests[0]

    def stop(maps, digests, *rest):
        if digests[0] == first:
            return place(maps, digests, *rest)
        raise Stopped(done.wait(5))

    def tell(*progress):
        told.append(progress)
        done.set()

    monkeypatch.setattr(steps, "place", stop)
    with joblib.parallel_config(backend="threading"), pytest.raises(Stopped, match="True"):
        tfprune.score(GRAPH, "fmc", batch, cache_dir=tmp_path, workers=3, progress=tell)
    assert told == [(4, 9, 0)]  # the others were begun at the same time
    monkeypatch.setattr(steps, "place", place)
    scores = fmc(batch, cache_dir=tmp_path, progress=tell)
    assert [progress[:2] for progress in told] == [(4, 9), (8, 9), (9, 9)]
    assert told[1][2] > told[2][2] == 0
    np.testing.assert_array_equal(scores["conv"], fmc(batch)["conv"])
