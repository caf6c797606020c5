"""What a request says of itself; its errors are tested through select."""

import pytest

from tfprune import PruningError
from tfprune.selection.request import Request, the_amount


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ({"ratio": 0}, True),
        ({"ratio": 0.1}, False),
        ({"macs": 1.0}, True),
        ({"macs": 0.9}, False),
        ({"params": 1}, True),
        ({"params": 0.9}, False),
        ({"threshold": 0.5}, True),
        ({"ratios": {"a": 0.5}}, True),
        ({"counts": {"a": 1}}, True),
    ],
)
def test_what_may_remove_nothing(amount, expected):
    assert Request(**amount).may_remove_nothing is expected


@pytest.mark.parametrize(
    ("amount", "scope"), [({"ratio": 0.5}, "global"), ({"counts": {"a": 1}}, None)]
)
def test_a_scope_is_added_where_the_amount_leaves_one_open(amount, scope):
    assert Request(**amount).with_scope("global").scope == scope
    assert Request(ratio=0.5, scope="layer").with_scope("global").scope == "layer"


def test_one_amount_is_given():
    assert the_amount({"ratio": None, "macs": 0.5, "seed": 1}) == "macs"
    with pytest.raises(PruningError, match="exactly one of ratio, .*received ratio and macs"):
        the_amount({"ratio": 0.5, "macs": 0.5})
