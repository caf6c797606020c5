"""What a criterion says of itself is refused where it is no sense."""

from dataclasses import FrozenInstanceError

import pytest

from tfprune import PruningError
from tfprune.scoring.method import Method


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"selector": "rankin"}, "Unknown selector of a method 'rankin'. .*ranking"),
        ({"scope": "model"}, "Unknown scope of a method 'model'. .*global"),
        ({"coupled": "max"}, "coupled.*'max'.*leader"),
        ({"amount": {"ration": 0.5}}, "Unknown amount of a method 'ration'. .*ratio"),
        ({"amount": {"ratio": 1.5}}, r"ratio must lie in \[0, 1\).*received 1.5"),
        ({"amount": {"ratio": 0.5, "macs": 0.5}}, "exactly one of .* received ratio and macs"),
        ({"comparable": "no"}, "comparable must be True or False, received 'no'"),
        ({"shares": 1}, "shares must be True or False, received 1"),
        ({"samples": -1}, "samples must be a number of images, 0 for all.*received -1"),
        ({"samples": 0.5}, "samples must be a number of images, 0 for all.*received 0.5"),
        ({"samples": True}, "samples must be a number of images, 0 for all.*received True"),
        ({"batch": 0}, "batch must be a whole number from 1 on, received 0"),
        ({"batch": 8, "samples": None}, "batch=8 has no effect with samples=None"),
    ],
)
def test_a_wrong_value_is_refused(wrong, text):
    with pytest.raises(PruningError, match=text):
        Method(**wrong)


def test_a_misspelt_name_is_refused():
    with pytest.raises(TypeError, match="comparible"):
        Method(comparible=False)


def test_a_method_cannot_be_changed():
    with pytest.raises(FrozenInstanceError, match="scope"):
        Method().scope = "global"


def test_only_none_says_that_no_data_is_needed():
    assert [Method(samples=n).needs_data for n in (None, 0, 10)] == [False, True, True]
