"""Random models, pruned at random: equal to the masked original, reloadable, original untouched.

`pytest -m slow tests/property` tries thousands: TFPRUNE_GRAPHS says how many of each kind, and
TFPRUNE_SEED repeats the run whose seed a failure printed. Those also shrink a failure, which takes
minutes; the default run only prints how to reproduce it.
"""

import os
import random

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.property.checking import check
from tests.property.random_models import image_models, sequence_models

_MANY = int(os.environ.get("TFPRUNE_GRAPHS", "1500"))
_SEED = int(os.environ.get("TFPRUNE_SEED") or random.SystemRandom().randrange(2**32))
_COMMON = {
    "deadline": None,
    "database": None,
    "print_blob": True,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}
_SHARES = st.sampled_from([0.5, 0.25, 0.9])
_SEEDS = st.integers(0, 99)


@settings(max_examples=60, derandomize=True, **_COMMON)
@given(st.randoms(), _SHARES, _SEEDS)
def test_images(tmp_path_factory, choices, share, seed):
    model = image_models(choices)
    check(model, share, seed, tmp_path_factory.getbasetemp() / "image.keras")


@settings(max_examples=30, derandomize=True, **_COMMON)
@given(st.randoms(), _SHARES, _SEEDS)
def test_sequences(tmp_path_factory, choices, share, seed):
    model = sequence_models(choices)
    check(model, share, seed, tmp_path_factory.getbasetemp() / "sequence.keras")


@pytest.mark.slow
@hypothesis.seed(_SEED)
@settings(max_examples=_MANY, **{**_COMMON, "phases": [Phase.generate, Phase.shrink]})
@given(st.randoms(), _SHARES, _SEEDS)
def test_many_images(tmp_path_factory, choices, share, seed):
    model = image_models(choices, at_most=14)
    hypothesis.note(f"repeat with TFPRUNE_SEED={_SEED}")
    check(model, share, seed, tmp_path_factory.getbasetemp() / "image.keras")


@pytest.mark.slow
@hypothesis.seed(_SEED)
@settings(max_examples=_MANY, **{**_COMMON, "phases": [Phase.generate, Phase.shrink]})
@given(st.randoms(), _SHARES, _SEEDS)
def test_many_sequences(tmp_path_factory, choices, share, seed):
    model = sequence_models(choices, at_most=10)
    hypothesis.note(f"repeat with TFPRUNE_SEED={_SEED}")
    check(model, share, seed, tmp_path_factory.getbasetemp() / "sequence.keras")
