"""Scoring that was stopped goes on where it was, to the same scores to the bit."""

import weakref
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests.passes.on_replicas import network
from tfprune.passes import journal as journals
from tfprune.passes import running_sums
from tfprune.passes.journal import Journal, checksum
from tfprune.passes.keeping import keeping
from tfprune.passes.replicas import Replicas

IMAGES = np.random.default_rng(0).normal(size=(160, 6, 6, 2)).astype("float32")
DATA = [(IMAGES[i : i + 32], np.arange(32) % 3) for i in range(0, 160, 32)]  # 5 parts


@pytest.fixture(scope="module")
def graph():
    return tfprune.analyse(network())


@pytest.fixture
def computed(monkeypatch):
    """One entry for each part that went through the model."""
    parts, own = [], Replicas.own

    def counted(self, some):
        parts.append(len(some[0][0]))
        return own(self, some)

    monkeypatch.setattr(Replicas, "own", counted)
    return parts


class KilledError(Exception):
    pass


def cut_short(data, after):
    for place, batch in enumerate(data):
        if place == after:
            raise KilledError
        yield batch


def scored(graph, folder, data=DATA, criterion="taylor"):
    with keeping(folder):
        return tfprune.score(graph, criterion, data)


def stopped(graph, folder, after=3, criterion="taylor"):
    with pytest.raises(KilledError):
        scored(graph, folder, cut_short(DATA, after), criterion)


def require_equal(found, wanted):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("criterion", ["taylor", "gfbs", "hrank"])
def test_only_what_was_not_kept_is_computed(tmp_path, graph, computed, criterion):
    whole = tfprune.score(graph, criterion, DATA)
    every = len(computed)
    stopped(graph, tmp_path, criterion=criterion)
    before = len(computed) - every
    assert before > 1
    require_equal(scored(graph, tmp_path, criterion=criterion), whole)
    assert len(computed) - every - before == every - before + 1  # the first shows the form


def test_scores_that_were_found_are_not_found_again(tmp_path, graph, computed):
    first = scored(graph, tmp_path)
    count = len(computed)
    require_equal(scored(graph, tmp_path), first)
    assert len(computed) == count


@pytest.mark.parametrize("spoil", ["cut short", "changed", "all of it"])
def test_what_is_damaged_is_computed_again(tmp_path, graph, spoil):
    whole = tfprune.score(graph, "taylor", DATA)
    stopped(graph, tmp_path)
    [path] = tmp_path.rglob("pass_*.bin")
    told = bytearray(path.read_bytes())
    if spoil == "cut short":
        del told[-5:]
    elif spoil == "changed":
        told[len(told) // 2] ^= 1
    else:
        told[:] = b"x" * len(told)
    path.write_bytes(told)
    require_equal(scored(graph, tmp_path), whole)


def test_other_samples_and_other_weights_are_not_taken_for_the_same(tmp_path, graph):
    other = [(images + 1, labels) for images, labels in DATA]
    stopped(graph, tmp_path / "a")
    require_equal(scored(graph, tmp_path / "a", other), tfprune.score(graph, "taylor", other))
    scored(graph, tmp_path / "b")
    model = keras.models.clone_model(graph.model)
    model.set_weights([weight * 1.5 for weight in graph.model.get_weights()])
    changed = tfprune.analyse(model)
    require_equal(scored(changed, tmp_path / "b"), tfprune.score(changed, "taylor", DATA))


def test_a_model_loaded_again_is_the_same_whatever_its_random_layers_draw(tmp_path, computed):
    image = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = keras.layers.Dropout(0.5)(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(image, keras.layers.Dense(3, "softmax")(x)).save(tmp_path / "model.keras")
    first, again = (
        tfprune.analyse(keras.models.load_model(tmp_path / "model.keras")) for _ in range(2)
    )
    whole = scored(first, tmp_path / "kept")
    count = len(computed)
    require_equal(scored(again, tmp_path / "kept"), whole)
    assert len(computed) == count


@pytest.fixture
def often(monkeypatch):
    """Sums are written after each part."""
    monkeypatch.setattr(running_sums, "LEAST", 0)
    monkeypatch.setattr(running_sums, "SHARE", 0)


def left(folder):
    return [path.name for path in folder.rglob("*_sums.npz")]


def test_sums_of_class_maps_go_on_behind_the_part_that_was_last_in_them(
    tmp_path, graph, computed, often
):
    whole = tfprune.score(graph, "gfi", DATA)
    every = len(computed)
    assert every == 1 + len(DATA)  # the first looks at the maps' sizes
    stopped(graph, tmp_path, 4, "gfi")
    assert left(tmp_path) == ["group_0_sums.npz"]
    before = len(computed) - every
    require_equal(scored(graph, tmp_path, criterion="gfi"), whole)
    assert before == 1 + 4
    assert len(computed) - every - before == 1 + 2  # the fourth was not in the sums yet
    assert left(tmp_path) == []


def test_a_group_of_layers_that_was_summed_up_is_not_again(tmp_path, graph, computed, often):
    class Killed(list):
        passes = 0

        def __iter__(self):
            self.passes += 1
            return (
                cut_short(list(super().__iter__()), 2) if self.passes == 2 else super().__iter__()
            )

    memory = 8 * (3 + 3) * 4 * 4 * 6 / 1e9  # "conv" alone fills it
    whole = tfprune.score(graph, "gfi", DATA, memory_gb=memory)
    every = len(computed)
    assert every == 1 + 2 * len(DATA)
    with pytest.raises(KilledError), keeping(tmp_path):
        tfprune.score(graph, "gfi", Killed(DATA), memory_gb=memory)
    before = len(computed) - every
    with keeping(tmp_path):
        require_equal(tfprune.score(graph, "gfi", DATA, memory_gb=memory), whole)
    assert len(computed) - every - before == 1 + 4
    assert left(tmp_path) == []


def test_sums_of_other_samples_are_made_anew(tmp_path, graph, often):
    other = [(images + 1, labels) for images, labels in DATA]
    other[0] = DATA[0]
    stopped(graph, tmp_path, 4, "gfi")
    require_equal(scored(graph, tmp_path, other, "gfi"), tfprune.score(graph, "gfi", other))


def test_other_samples_that_can_be_read_once_are_refused(tmp_path, graph, often):
    stopped(graph, tmp_path, 4, "gfi")
    with pytest.raises(tfprune.PruningError, match="gfi has begun with other images.*Pass a list"):
        scored(graph, tmp_path, ((images + 1, labels) for images, labels in DATA), "gfi")


def test_sums_are_written_for_a_small_share_of_the_time_alone(tmp_path, graph, monkeypatch):
    monkeypatch.setattr(running_sums, "LEAST", 1e9)
    stopped(graph, tmp_path, 4, "gfi")
    assert left(tmp_path) == []


def results_of(path, parts, value):
    """What a journal gives for two rounds of which the second may be kept."""
    kept = Journal(path)
    marks = [[checksum(part)] for part in parts]
    found = [kept.results(partial(list, mark), lambda: [value])[0] for mark in marks]
    kept.close()
    return found


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "bool", "int64"])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2)])
def test_results_come_back_as_they_were(tmp_path, kind, shape):
    value = np.ones(shape, tf.as_dtype(kind).as_numpy_dtype)
    parts = [(np.zeros(1),), (np.ones(1),)]
    results_of(tmp_path / "pass.bin", parts, value)
    _, found = results_of(tmp_path / "pass.bin", parts, value * 0)
    assert found.dtype == value.dtype
    np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("other", [np.zeros((4, 4)), np.zeros((2, 8), np.int64)])
def test_equal_bytes_of_another_shape_or_type_are_other_samples(tmp_path, other):
    results_of(tmp_path / "pass.bin", [(np.zeros((2, 8)),)] * 2, np.array(1))
    found = results_of(tmp_path / "pass.bin", [(other,)] * 2, np.array(2))
    assert [x.item() for x in found] == [2, 2]


def test_large_results_are_not_kept_nor_what_lies_beyond_the_limit(tmp_path, monkeypatch):
    def written(count, size):
        path = tmp_path / f"{count}_{size}.bin"
        kept = Journal(path)
        for place in range(count):
            kept.results(partial(list, [place]), lambda: [np.zeros(size, np.uint8)])
        kept.close()
        return path.stat().st_size if path.exists() else 0

    assert written(3, journals.MOST_OF_A_PART + 1) == 0
    assert written(3, 1000) > 3000
    monkeypatch.setattr(journals, "MOST", 2000)
    assert 2000 <= written(9, 1000) < 4000


@pytest.mark.parametrize("word", [b"second", "zw\u00f6lf", "\u5341\u4e8c".encode()])
def test_words_are_told_apart(tmp_path, word):
    def results(word, value):
        parts = [(np.array([each], object),) for each in (b"first", word)]
        return [x.item() for x in results_of(tmp_path / "words.bin", parts, np.array(value))]

    assert results(word, 1) == [1, 1]
    assert results(word, 2) == [2, 1]
    assert results(word * 2, 3) == [3, 3]


def test_what_is_too_large_to_keep_is_not_held_either(tmp_path):
    kept = Journal(tmp_path / "pass.bin")
    (large,) = kept.results(lambda: [0], lambda: [np.zeros(journals.MOST_OF_A_PART + 1, np.uint8)])
    held = weakref.ref(large)
    del large
    assert held() is None
