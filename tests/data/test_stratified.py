"""Every class on both sides of a cut, or a refusal that names it."""

import numpy as np
import pytest

from tfprune import PruningError
from tfprune.data.stratified import cut, validation_size

ANIMALS = ["cat", "dog"]


@pytest.mark.parametrize(
    ("cats", "dogs", "size"),
    [(2, 8, 8), (2, 38, 4)],
    ids=["no cat is left", "no cat is held out"],
)
def test_a_class_that_a_cut_leaves_on_one_side_only_is_named(cats, dogs, size):
    labels = np.array([0] * cats + [1] * dogs)
    with pytest.raises(PruningError, match=r"classes without enough images: 'cat' \(2\)\."):
        cut(labels, size, 0, ANIMALS, "validation")


def test_a_class_of_one_image_cannot_be_on_both_sides():
    with pytest.raises(PruningError, match=r"hold 3 of 9 out for the test split.*'cat' \(1\)\."):
        cut(np.array([0] + [1] * 8), 3, 0, ANIMALS, "test")


def test_both_sides_hold_every_class_and_every_image_once():
    labels = np.arange(20) % 2
    rest, held = cut(labels, 6, 0, ANIMALS, "validation")
    assert sorted([*rest, *held]) == list(range(20))
    assert set(labels[rest]) == set(labels[held]) == {0, 1}
    assert len(held) == 6


def test_of_many_small_classes_five_are_named_and_the_others_counted():
    labels = np.array([*range(7), *[7] * 20])  # an image of each class but the last
    with pytest.raises(PruningError, match=r"'c0' \(1\), .*'c4' \(1\) and 2 more\. Add"):
        cut(labels, 8, 0, [f"c{n}" for n in range(8)], "validation")


def test_a_tenth_is_held_out_and_an_image_of_each_class_unless_another_number_is_chosen():
    assert validation_size(None, 1000, 10) == 100
    assert validation_size(None, 50, 10) == 10
    assert validation_size(None, 1000, 10, most=30) == 30
    assert [validation_size(chosen, 1000, 10) for chosen in (0, 7)] == [0, 7]
