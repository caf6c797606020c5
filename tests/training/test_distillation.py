import numpy as np
import pytest

from tfprune.errors import PruningError
from tfprune.training import Distillation, distillation, fine_tune

from .toys import blobs, gradients, linear, softmax


@pytest.mark.parametrize("teachers", [None, "softmax"])
@pytest.mark.parametrize("students", [None, "softmax"])
def test_it_is_the_divergence_of_the_softened_outputs(teachers, students):
    teacher, student = linear(activation=teachers, seed=1), linear(activation=students, seed=2)
    x = 8 * blobs()[0]  # some probabilities are small, where a logarithm could be cut off
    soft = [softmax((x @ m.get_weights()[0] + m.get_weights()[1]) / 3) for m in (teacher, student)]
    expected = 9 * (soft[0] * np.log(soft[0] / soft[1])).sum(-1).mean()
    measure = distillation.term(Distillation(teacher, temperature=3.0), student)
    assert float(measure(x, student(x))) == pytest.approx(expected, rel=1e-3)
    assert expected > 0.02


def test_the_weight_divides_the_loss_between_labels_and_teacher():
    x, labels = blobs()
    teacher, student = linear(seed=1), linear(seed=2)
    kernel, bias = (w.astype("float64") for w in student.get_weights())
    taught = softmax(x @ teacher.get_weights()[0] + teacher.get_weights()[1])
    own = gradients(kernel, bias, x, labels)[0]
    # At temperature 1 the divergence's gradient is that of the cross-entropy with soft labels.
    soft = x.T @ (softmax(x @ kernel + bias) - taught) / len(x)
    part = Distillation(teacher, weight=0.75, temperature=1.0)
    trained, _ = fine_tune(
        student, (x, labels), teacher=part, epochs=1, batch_size=48, momentum=0.0, learning_rate=0.1
    )
    expected = kernel - 0.1 * (0.25 * own + 0.75 * soft)
    np.testing.assert_allclose(trained.get_weights()[0], expected, rtol=1e-4, atol=1e-5)


def test_the_teacher_stays_and_the_student_comes_nearer():
    x, labels = blobs()
    teacher, student = linear(seed=1), linear(seed=2)
    before = teacher.get_weights()
    trained, _ = fine_tune(
        student,
        (x, labels),
        teacher=Distillation(teacher, weight=1.0),
        epochs=20,
        learning_rate=0.1,
    )
    np.testing.assert_array_equal(teacher.get_weights()[0], before[0])
    far, near = (
        np.abs(softmax(m(x).numpy()) - softmax(teacher(x).numpy())).mean()
        for m in (student, trained)
    )
    assert near < 0.3 * far


def test_weights_and_temperatures_out_of_range_and_other_teachers_are_refused():
    with pytest.raises(PruningError, match=r"weight must be above 0 .*received 0"):
        Distillation(linear(), weight=0.0)
    with pytest.raises(PruningError, match=r"temperature must be above 0, received -1"):
        Distillation(linear(), temperature=-1.0)
    with pytest.raises(PruningError, match=r"gives \(None, 4\), the student .* \(None, 3\)"):
        fine_tune(linear(), blobs(), teacher=linear(classes=4), epochs=1)
