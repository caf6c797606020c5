"""The figures of each task against naive references."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune import tasks
from tfprune.errors import PruningError

RNG = np.random.default_rng(0)


def figures(name, labels, outputs, weights=None, **options):
    """Return the figures of two batches that are added up."""
    task = tasks.find(name, **options)
    states = []
    for part in (slice(0, 2), slice(2, None)):
        own, valid = task.counted(tf.constant(labels[part]))
        counts = np.ones(own.shape) if weights is None else weights[part]
        counts = tf.constant(counts * (1 if valid is None else valid.numpy()), tf.float32)
        states.append(task.state(own, tf.constant(outputs[part], tf.float32), counts).numpy())
    assert {len(state) for state in states} == {task.state_size(outputs.shape)}
    return task.figures(sum(states)), task.details(sum(states))


def test_names():
    assert tasks.names() == ["classification", "regression", "segmentation"]
    assert tasks.find() == tasks.find("classification")
    own = tasks.find("segmentation", void=None)
    assert tasks.find(own) is own
    with pytest.raises(PruningError, match=r"Unknown task 'segmentatoin'. Did you mean 'segmentat"):
        tasks.find("segmentatoin")
    with pytest.raises(PruningError, match=r"Task 'regression': .*unexpected .*'void'"):
        tasks.find("regression", void=3)


@pytest.mark.parametrize("name", tasks.names())
def test_every_task_says_what_it_is(name):
    task = tasks.find(name)
    assert task.name == name
    assert task.best is None or task.best in task.shares
    assert all(tasks.is_share(f"head_{share}") for share in task.shares)
    assert not any(map(tasks.is_share, ("loss", "mae", "head_loss", "learning_rate")))


def test_figures_are_told_as_a_person_reads_them():
    found = {"loss": 0.25, "miou": 0.5, "pixel_accuracy": 0.75, "iou_2": 1.0, "mae": 0.125}
    assert [tasks.formatted(*each) for each in found.items()] == [
        "0.2500", "50.00%", "75.00%", "100.00%", "0.1250",
    ]  # fmt: skip
    assert tasks.headline(found) == "miou"
    assert tasks.headline({"loss": 0.2, "accuracy": 0.1}) == "accuracy"
    assert tasks.headline({"loss": 0.2, "mae": 0.1}) == "loss"


def test_accuracy_counts_by_weight():
    logits = RNG.normal(size=(5, 3))
    labels = np.array([0, 1, 2, 0, 1])
    weights = np.array([1.0, 0.0, 2.0, 0.5, 3.0])
    right = logits.argmax(-1) == labels
    found, _ = figures("classification", labels, logits, weights)
    assert found == {"accuracy": pytest.approx((right * weights).sum() / weights.sum())}


def confusion(labels, logits, weights):
    matrix = np.zeros((4, 4))
    for place in np.argwhere(labels != 255):
        matrix[labels[tuple(place)], logits[tuple(place)].argmax()] += weights[tuple(place)]
    return matrix


@pytest.mark.parametrize("weighted", [False, True])
def test_segmentation_against_loops_over_pixels(weighted):
    labels = RNG.integers(0, 3, (3, 5, 4))  # class 3 is in no label
    labels[RNG.random(labels.shape) < 0.3] = 255
    logits = RNG.normal(size=(3, 5, 4, 4)) - [0, 0, 0, 100]  # nor in a prediction
    weights = RNG.uniform(0, 2, labels.shape) if weighted else np.ones(labels.shape)
    matrix = confusion(labels, logits, weights)
    iou = {}
    for c in range(3):
        union = matrix[c].sum() + matrix[:, c].sum() - matrix[c, c]
        iou[f"iou_{c}"] = pytest.approx(matrix[c, c] / union, rel=1e-5)
    found, details = figures("segmentation", labels, logits, weights)
    assert details == iou
    assert found["miou"] == pytest.approx(
        np.mean([each.expected for each in iou.values()]), rel=1e-5
    )
    assert found["pixel_accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum(), rel=1e-5)
    assert 0.05 < found["miou"] < 0.9


def test_the_rows_of_the_matrix_are_the_true_classes():
    logits = tf.one_hot([[[2, 2, 1]]], 3)
    state = tasks.find("segmentation").state(tf.constant([[[0, 0, 1]]]), logits, tf.ones((1, 1, 3)))
    np.testing.assert_array_equal(state, [0, 0, 2, 0, 1, 0, 0, 0, 0])


def test_a_class_that_is_predicted_and_nowhere_true_has_no_intersection():
    labels = np.zeros((3, 1, 2), int)
    logits = np.eye(3)[np.array([[[0, 0]], [[0, 0]], [[0, 1]]])]
    found, details = figures("segmentation", labels, logits)
    assert details == {"iou_0": pytest.approx(5 / 6), "iou_1": 0.0}
    assert found["miou"] == pytest.approx(5 / 12)


def test_nothing_but_void_pixels_has_no_figures():
    found, details = figures("segmentation", np.full((3, 1, 2), 255), np.zeros((3, 1, 2, 4)))
    assert np.isnan(found["miou"])
    assert details == {}
    task = tasks.find("segmentation")
    assert task.merit(found["miou"], 1.0) < task.merit(0.01, 1.0)


def test_regression_against_numpy():
    labels, outputs = RNG.normal(size=(2, 5, 3))
    weights = RNG.uniform(0, 2, 5)
    found, _ = figures("regression", labels, outputs, weights)
    errors, share = labels - outputs, weights[:, None] / weights.sum() / 3
    assert found["mae"] == pytest.approx((abs(errors) * share).sum(), rel=1e-5)
    assert found["mse"] == pytest.approx((errors**2 * share).sum(), rel=1e-5)


def test_regression_with_a_label_per_sample_does_not_pair_all_samples():
    found, _ = figures("regression", np.array([1.0, 2.0, 3.0]), np.array([[1.0], [2.0], [5.0]]))
    assert found == {"mae": pytest.approx(2 / 3), "mse": pytest.approx(4 / 3)}


def test_the_better_figure_ranks_first_and_the_loss_breaks_ties():
    task = tasks.find("classification")
    ranked = [(0.5, 9.0), (0.5, 8.0), (0.6, 99.0)]
    merits = [task.merit(*each) for each in ranked]
    assert merits == sorted(merits)
    assert task.merit(None, float("nan")) < task.merit(None, 1e9)


def test_segmentation_refuses_outputs_and_labels_of_other_shapes():
    with pytest.raises(PruningError, match=r"outputs \[N, H, W, classes\], received \(None, 4\)"):
        tasks.find("segmentation").state_size((None, 4))
    with pytest.raises(PruningError, match=r"as large as the outputs, \(2, 2, 2\); .*\(2, 3, 2\)"):
        figures("segmentation", np.zeros((3, 3, 2), int), np.zeros((3, 2, 2, 4)))


def test_regression_refuses_labels_of_another_shape():
    with pytest.raises(PruningError, match=r"labels of the outputs' shape \(2, 4\), .*\(2, 3\)"):
        figures("regression", np.zeros((3, 3)), np.zeros((3, 4)))
    with pytest.raises(PruningError, match=r"label_smoothing=0.1 has no effect on task 'regress"):
        tasks.find("regression").default_loss(None, 0.1)


@pytest.mark.parametrize(
    ("shape", "task"),
    [
        ((10,), "classification"),
        ((6, 8, 3), "segmentation"),
        ((6, 3), "classification"),  # nobody's: the task that is meant without another
    ],
)
def test_the_outputs_of_a_model_tell_its_task(shape, task):
    image = keras.Input((6, 8, 2))
    size = int(np.prod(shape))
    x = keras.layers.Reshape(shape)(keras.layers.Dense(size)(keras.layers.Flatten()(image)))
    model = keras.Model(image, x)
    assert tasks.of_model(model) == tasks.find(task)
    assert tasks.of_model(model, "regression") == tasks.find("regression")


def test_class_numbers():
    task = tasks.find("segmentation")
    labels = np.array([[[0, 255], [3, 1]]])
    assert task.class_numbers(labels[..., None], 4, "x").tolist() == [[[0, -1], [3, 1]]]
    with pytest.raises(PruningError, match=r"x: expected class .* to 2 \(or 255, void\)"):
        task.class_numbers(labels, 3, "x")
    with pytest.raises(PruningError, match=r"received float64 of shape \(1, 3\).*argmax"):
        tasks.find("classification").class_numbers(np.zeros((1, 3)), 3, "x")


def test_the_logit_of_a_class():
    logits = tf.constant(RNG.normal(size=(2, 3, 4)), tf.float32)
    found = tasks.find("classification").class_logit(logits[:, 0], tf.constant([3, 1]))
    np.testing.assert_array_equal(found, [logits[0, 0, 3], logits[1, 0, 1]])
    places = np.array([[[True, False, True]], [[False, True, False]]])
    found = tasks.find("segmentation").class_logit(
        logits[:, None], tf.constant([3, 1]), tf.constant(places)
    )
    np.testing.assert_allclose(found, [logits[0, 0, 3] + logits[0, 2, 3], logits[1, 1, 1]], 1e-6)


def test_an_image_is_judged_at_its_own_size():
    """Outputs of 2x2 against labels of 4x4, which lie between the pixel centres."""
    task = tasks.find("segmentation", names=("sky", "road"))
    outputs = tf.constant([[[[3.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]]]])
    labels = tf.constant(np.tile([0, 0, 0, 1], (1, 4, 1)))
    margins = np.array([3, 3 * 0.75 - 0.25, 3 * 0.25 - 0.75, -1])  # of class 0, along a row
    expected = (margins < 0).astype(int)
    found = task.answers(labels, outputs)
    np.testing.assert_allclose(found[0, 1, :, 0] - found[0, 1, :, 1], margins, atol=1e-6)
    figures = task.figures(task.state(labels, found, tf.ones((1, 4, 4))).numpy())
    assert figures["pixel_accuracy"] == pytest.approx(np.mean(expected == [0, 0, 0, 1]))
    assert task.answers(labels[:, ::2, ::2], outputs) is outputs
    details = task.details(task.state(labels, found, tf.ones((1, 4, 4))).numpy())
    assert list(details) == ["iou_sky", "iou_road"]
