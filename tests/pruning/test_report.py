"""A report as a file: carried elsewhere, applied without data, refused where it does not fit."""

import json

import keras
import numpy as np
import pytest

import tfprune
from tfprune.errors import PruningError
from tfprune.files import write_arrays


def network(seed=0, units=8):
    keras.utils.set_random_seed(seed)
    image = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(units, 3, name="file")(image)  # numpy.savez takes no array of that name
    x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(4, name="head")(x), name="net")


@pytest.fixture(scope="module")
def pruned():
    return tfprune.prune(network(), None, method="l1", ratio=0.5)


def test_a_saved_report_makes_the_same_model_elsewhere(pruned, tmp_path):
    small, report = pruned
    report.save(tmp_path / "pruning.npz")
    loaded = tfprune.PruningReport.load(tmp_path / "pruning.npz")
    again, proof = loaded.apply(network())
    assert again.get_layer("file").filters == 4
    for ours, theirs in zip(small.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert proof.verification.proven
    assert (proof.params, proof.original) == (report.params, report.original)


def test_everything_but_the_reconstruction_comes_back(pruned, tmp_path):
    _, report = pruned
    report.save(tmp_path / "pruning.npz")
    loaded = tfprune.PruningReport.load(tmp_path / "pruning.npz")
    for name in ("method", "params", "observations", "original", "verification"):
        assert getattr(loaded, name) == getattr(report, name)
    assert loaded.settings == {"ratio": 0.5, "allow_inexact": False}
    assert loaded.keep.keys() == report.keep.keys()
    for name in report.keep:
        np.testing.assert_array_equal(loaded.keep[name], report.keep[name])
    assert loaded.scores.selector == report.scores.selector
    np.testing.assert_array_equal(loaded.scores["file"], report.scores["file"])
    assert str(loaded).splitlines()[0] == str(report).splitlines()[0]


def test_a_report_that_an_earlier_version_saved_is_read(pruned, tmp_path):
    _, report = pruned
    report.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as new:
        arrays = dict(new)
    values = json.loads(str(arrays["report"]))
    assert "remarks" not in values
    values["remarks"] = ["worth knowing"]
    del values["observations"]
    write_arrays(tmp_path / "old.npz", {**arrays, "report": np.array(json.dumps(values))})
    loaded = tfprune.PruningReport.load(tmp_path / "old.npz")
    assert loaded.observations == ("worth knowing",)
    assert loaded.keep.keys() == report.keep.keys()


def test_other_weights_are_told_and_taken_on_request(pruned):
    _, report = pruned
    with pytest.raises(PruningError, match=r"fingerprint .*, received .*other_weights=True"):
        report.apply(network(seed=1))
    other, _ = report.apply(network(seed=1), other_weights=True)
    kernel = network(seed=1).get_layer("file").get_weights()[0]
    np.testing.assert_array_equal(
        other.get_layer("file").get_weights()[0], kernel[..., report.keep["file"]]
    )


def test_a_model_of_other_layers_is_refused(pruned):
    with pytest.raises(PruningError, match="'file'"):
        pruned[1].apply(network(units=6), other_weights=True)


def test_files_that_are_no_report_are_refused(tmp_path):
    path = tmp_path / "pruning.npz"
    with pytest.raises(PruningError, match=r"cannot be read.*No such file.*report.save"):
        tfprune.PruningReport.load(path)
    path.write_bytes(b"PK nonsense")
    with pytest.raises(PruningError, match="cannot be read"):
        tfprune.PruningReport.load(path)
    write_arrays(path, {"stem": np.array([True])})
    with pytest.raises(PruningError, match=r"is not a pruning report: KeyError: 'report'"):
        tfprune.PruningReport.load(path)


def test_notebooks_show_short_tables(pruned):
    _, report = pruned
    graph = tfprune.analyse(network())
    assert report._repr_html_().count("<tr>") == 3
    assert "<td>4</td><td>8</td>" in report._repr_html_()
    assert "8 of 12 channels may go" in graph._repr_html_()
    assert tfprune.cost(network())._repr_html_().count("<tr>") == 3
    deep = keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(2) for _ in range(300))])
    for shown in (tfprune.analyse(deep), tfprune.cost(deep)):
        assert len(shown._repr_html_()) < 4000
        assert "and 280 more" in shown._repr_html_()


def test_names_are_no_markup_in_a_notebook():
    layers = [keras.layers.Dense(2, name="<b>"), keras.layers.Dense(2, name="head")]
    graph = tfprune.analyse(keras.Sequential([keras.Input((2,)), *layers]))
    assert "<b>" not in graph._repr_html_().split("</b>", 1)[1]
    assert "&lt;b&gt;" in graph._repr_html_()
