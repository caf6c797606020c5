"""The grammar of compress rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfprune import PruningError
from tfprune.selection.compress_rate import parse


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("[0.]", [0.0]),
        ("[0.]+[0.4]*2+[0.5]", [0.0, 0.4, 0.4, 0.5]),
        ("[0.]+[0.4]*2+[0.65]*36", [0.0] + [0.4] * 2 + [0.65] * 36),
        ("[0.35]*3", [0.35] * 3),
        ("[00.25]*1", [0.25]),
    ],
)  # fmt: skip
def test_the_papers_grammar(text, rates):
    assert parse(text) == rates


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 12)), min_size=1, max_size=9))
def test_terms_are_repeated_and_joined(terms):
    text = "+".join(f"[0.{number:02}]*{count}" for number, count in terms)
    assert parse(text) == [n / 100 for n, count in terms for _ in range(count)]


@pytest.mark.parametrize(
    "term", ["[0]", "[.3]", "0.3", "[0.3]x2", "[0.3]*", "[0.3]*0", "[0.3] ", "[-0.3]", "", "[a]"]
)
def test_other_terms_are_refused(term):
    quoted = term.replace("[", r"\[").replace("]", r"\]").replace("*", r"\*").replace(".", r"\.")
    with pytest.raises(
        PruningError, match=f"expected terms such as .*received the term '{quoted}'"
    ):
        parse(f"[0.1]+{term}+[0.2]")
