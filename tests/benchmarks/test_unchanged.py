"""The comparison of two dumps: nothing that differs may pass, however little."""

import re

import numpy as np
import pytest

from benchmarks.unchanged import Dump, compared, difference
from tfprune import PruningError


def test_one_bit_is_a_difference():
    before = np.array([1.0, 2.0], "float32")
    after = before.copy()
    assert difference(before, after) is None
    after[1] = np.nextafter(after[1], np.float32(3))
    assert difference(before, after) == "largest difference 2.4e-07 (1.2e-07 of the largest value)"


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ([True, False, True], [True, True, True], "1 of 3 values differ"),
        ([1.0, 2.0], [1.0], r"float64 \(2,\) became float64 \(1,\)"),
        ([1, 2], [1.0, 2.0], r"int64 \(2,\) became float64 \(2,\)"),
        ("refused", [1.0], r"<U7 \(\) became float64 \(1,\)"),
        ([0.0], [np.nan], "largest difference nan"),
    ],
)
def test_it_says_what_differs(before, after, what):
    assert re.match(what, difference(np.array(before), np.array(after)))


def test_entries_of_one_side_are_told():
    one, two = np.zeros(1), np.ones(1)
    assert compared({"a": one, "b": one}, {"b": one, "c": two}) == [
        "a: only before",
        "c: only after",
    ]


def test_parts_get_names_and_refusals_are_kept():
    dump = Dump()
    dump.keep("masks", lambda: {"conv": np.ones(2), "more": [1, (2, 3)]})
    assert list(dump) == ["masks/conv", "masks/more/0", "masks/more/1/0", "masks/more/1/1"]

    def refuse():
        raise PruningError("no such thing")

    assert dump.keep("scores", refuse) is None
    assert dump["scores"] == "refused"
    assert dump.refusals == {"scores": "no such thing"}
