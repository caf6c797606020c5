"""Full int8: calibrated on data, loaded again, judged by its answers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.exporting.test_export import answer_with
from tfprune.errors import PruningError
from tfprune.exporting import DisagreementError, comparing, export
from tfprune.exporting.formats import tflite_int8
from tfprune.surgery.equality import Gap

RANDOM = np.random.default_rng(4)
IMAGES = RANDOM.standard_normal((70, 6, 6, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(7)
    image = keras.Input((6, 6, 3), name="image")
    x = keras.layers.Conv2D(8, 3, activation="relu", name="conv")(image)
    x = keras.layers.Flatten(name="flat")(x)
    return keras.Model(image, keras.layers.Dense(4, activation="softmax", name="head")(x))


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """Judged by images with the model's own answers, but for the first seven, as labels."""
    labels = np.argmax(model(IMAGES), -1)
    labels[:7] = (labels[:7] + 1) % 4
    return export(
        model, tmp_path_factory.mktemp("int8"), formats=["tflite", "tflite_int8"],
        representative=IMAGES[:40], inputs=(IMAGES, labels),
    )  # fmt: skip


def test_every_number_in_the_file_is_an_integer(exported):
    with pytest.warns(UserWarning, match="tf.lite.Interpreter"):
        interpreter = tf.lite.Interpreter(model_path=str(exported["tflite_int8"]))
    types = {detail["dtype"] for detail in interpreter.get_tensor_details()}
    assert types <= {np.int8, np.int32, np.int64}
    for details in (interpreter.get_input_details(), interpreter.get_output_details()):
        assert [one["dtype"] for one in details] == [np.int8]


def test_agreement_and_accuracy_are_those_of_plain_counting(model, exported):
    check = exported.checks["tflite_int8"]
    (file,) = tflite_int8.load(exported["tflite_int8"], model)([IMAGES])
    wanted = np.argmax(model(IMAGES), -1)
    same = np.argmax(file, -1) == wanted
    assert check.samples == 70
    assert check.agreement == same.mean() > 0.9
    right = same[7:].sum() + (np.argmax(file[:7], -1) == (wanted[:7] + 1) % 4).sum()
    assert check.accuracy == (63 / 70, right / 70)
    assert check.difference == pytest.approx(np.abs(file - model(IMAGES)).max() / 1, rel=0.5)
    assert exported.checks["tflite"].agreement == 1
    assert exported.checks["tflite"].difference < 1e-5 < check.difference


def test_the_table_tells_size_and_agreement(exported):
    (line,) = (line for line in str(exported).splitlines() if line.startswith("tflite_int8"))
    check = exported.checks["tflite_int8"]
    assert f"{exported['tflite_int8'].stat().st_size:,}" in line
    assert f"{check.agreement:.2%}" in line
    assert line.endswith(f"{check.accuracy[1]:.2%}")


def test_a_file_that_answers_otherwise_is_removed_unless_the_bound_allows_it(model, tmp_path):
    # Ranges measured on such small numbers cut off what is real.
    useless = {"formats": ["tflite_int8"], "representative": IMAGES * 1e-3, "inputs": IMAGES}
    with pytest.raises(DisagreementError, match=r"of 70 answers of the output 'head' \d+\.\d\d% "
                       r"are the model's\. Expected at least 90\.00%.*min_agreement"):  # fmt: skip
        export(model, tmp_path, **useless)
    assert list(tmp_path.iterdir()) == []
    seen = comparing.Differences([comparing.Output("head", Gap(magnitude=1.0), same=8, answers=10)])
    comparing.require_agreement("tflite_int8", seen, 0.8, 0.1)
    with pytest.raises(DisagreementError, match=r"80\.00% .*at least 81\.00%"):
        comparing.require_agreement("tflite_int8", seen, 0.81, 0.1)


def test_outputs_without_answers_are_judged_by_their_difference(tmp_path):
    keras.utils.set_random_seed(8)
    x = keras.Input((6, 6, 3), name="image")
    model = keras.Model(x, keras.layers.Dense(1, name="size")(keras.layers.Flatten()(x)))
    check = export(
        model, tmp_path, formats=["tflite_int8"], representative=iter([IMAGES[:40], IMAGES[40:]])
    ).checks["tflite_int8"]
    assert check.agreement is check.accuracy is None
    assert 1e-5 < check.difference < 0.1
    seen = comparing.Differences([comparing.Output("size", Gap(0.3, magnitude=2.0))])
    comparing.require_agreement("tflite_int8", seen, 0.9, 0.15)
    with pytest.raises(PruningError, match=r"'tflite_int8' was removed.*'size' differs.*0\.15"):
        comparing.require_agreement("tflite_int8", seen, 0.9, 0.14)


def test_data_that_does_not_fit_is_refused_and_leaves_nothing(model, tmp_path):
    def attempt(**data):
        export(model, tmp_path / "new", formats=["tflite_int8"], **data)

    with pytest.raises(PruningError, match=r"'tflite_int8' needs representative data.*None"):
        attempt()
    wrong = r"expected arrays \(None, 6, 6, 3\) for the input 'image', received "
    with pytest.raises(PruningError, match=rf"representative data: {wrong}\(5, 3, 6, 6\)"):
        attempt(representative=np.zeros((5, 3, 6, 6)))
    with pytest.raises(PruningError, match=rf"export: {wrong}\(6, 6, 3\)"):
        attempt(representative=IMAGES, inputs=IMAGES[0])
    with pytest.raises(PruningError, match=r"representative data: expected finite .* received NaN"):
        attempt(representative=IMAGES * np.nan)
    assert not (tmp_path / "new").exists()


def test_options_without_effect_or_out_of_range_are_refused(model, tmp_path):
    with pytest.raises(PruningError, match=r"representative= has no effect on the formats keras"):
        export(model, tmp_path, formats=["keras"], representative=IMAGES)
    for wrong in ({"tolerance": 0}, {"tolerance": np.nan}, {"min_agreement": 1.1}):
        with pytest.raises(PruningError, match=r"tolerance in \(0, 1\) and min_agreement in \[0"):
            export(model, tmp_path, **wrong)
    assert list(tmp_path.iterdir()) == []


def test_the_tolerance_decides_what_passes(model, tmp_path, monkeypatch):
    answer_with(monkeypatch, lambda y: y * (1 + 1e-4))
    with pytest.raises(PruningError, match=r"at most 1e-05 .*larger tolerance="):
        export(model, tmp_path)
    assert export(model, tmp_path, tolerance=1e-3).checks["saved_model"].difference > 9e-5
    with pytest.raises(PruningError, match=r"at most 5e-05 "):
        export(model, tmp_path, tolerance=5e-5)


def test_differences_are_summed_up_over_batches_and_a_nan_is_kept():
    one = comparing.Output("y")
    for wanted, got in [([[1.0, 2.0]], [[1.0, 2.5]]), ([[4.0, 3.0]], [[4.0, 3.1]])]:
        one.see(np.array(wanted), np.array(got))
    assert (one.gap.magnitude, one.gap.difference, one.agreement) == (4.0, 0.5, 1.0)
    one.see(np.array([[np.nan, 1.0]]), np.array([[1.0, 1.0]]))
    assert np.isnan(one.gap.magnitude)
    assert np.isnan(one.gap.difference)


def test_an_output_of_another_shape_stays_one_whatever_comes_after():
    one = comparing.Output("y")
    one.see(np.ones((1, 2)), np.ones((1, 3)))
    one.see(np.ones((1, 2)), np.ones((1, 2)))
    assert (one.gap.difference, one.shapes, one.answers) == (np.inf, ((1, 2), (1, 3)), 0)
    assert one.shapes == ((1, 2), (1, 3))
