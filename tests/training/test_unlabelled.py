"""Training on inputs alone, with a teacher."""

import keras
import numpy as np
import pytest

from tfprune import PruningError
from tfprune.training import Distillation, fine_tune

X = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")


def classifier(seed, width=8, last=None):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((5,)), keras.layers.Dense(width, "tanh"), keras.layers.Dense(3, last)]
    return keras.Sequential(layers)


FORMS = {
    "array": lambda: X,
    "list of batches": lambda: [X[:40], X[40:]],
    "with labels, which go unread": lambda: (X, np.full(64, 2)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("last", [None, "softmax"])
def test_a_student_comes_to_agree_with_its_teacher(form, last):
    teacher = classifier(0, last=last)
    student, history = fine_tune(
        classifier(1, last=last), FORMS[form](), teacher=teacher, labels=False, epochs=60,
        optimizer="adam", learning_rate=0.03,
    )  # fmt: skip
    agreement = (teacher(X).numpy().argmax(1) == student(X).numpy().argmax(1)).mean()
    assert agreement > 0.9
    assert history.metrics["accuracy"][-1] == pytest.approx(agreement, abs=0.1)
    assert history.metrics["loss"][-1] < 0.2 * history.metrics["loss"][0]


def test_it_is_the_training_with_labels_that_count_nothing():
    teacher, start = classifier(0), classifier(1)
    given = {"epochs": 2, "learning_rate": 0.1, "seed": 4}
    one, _ = fine_tune(start, X, teacher=teacher, labels=False, **given)
    whole = Distillation(teacher, weight=1.0)
    other, _ = fine_tune(start, (X, np.zeros(64, int)), teacher=whole, **given)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_without_a_teacher_nothing_says_what_is_right():
    with pytest.raises(PruningError, match=r"labels=False: .* Give teacher=\.\.\."):
        fine_tune(classifier(1), X, labels=False, epochs=1)


def test_a_part_of_the_loss_for_absent_labels_is_refused():
    teacher = Distillation(classifier(0), weight=0.5)
    with pytest.raises(PruningError, match=r"the teacher's weight is 0\.5\. Make it 1"):
        fine_tune(classifier(1), X, teacher=teacher, labels=False, epochs=1)
    with pytest.raises(PruningError, match="labels must be True or False, received 'no'"):
        fine_tune(classifier(1), X, teacher=teacher, labels="no", epochs=1)
