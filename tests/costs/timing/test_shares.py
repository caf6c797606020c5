"""A share of the time: rounds are compared, and copies of both made several times over."""

import keras
import pytest

from tfprune.costs.timing import shares
from tfprune.costs.timing.runners import Runner


def network(units):
    x = keras.Input((4,), name="x")
    return keras.Model(x, keras.layers.Dense(units, name="d")(x), name=f"net_{units}")


class Copies:
    """A model whose copies take what is told of each, and which counts them."""

    def __init__(self, *seconds):
        self.seconds, self.made = seconds, 0

    def on_samples(self, count, *, anew):
        assert (count, anew) == (4, True)
        self.made += 1
        return self.seconds[(self.made - 1) % len(self.seconds)]


def test_the_share_is_the_median_over_fresh_pairs(monkeypatch):
    monkeypatch.setattr(
        shares, "by_turns", lambda calls, *, repeats, warm_up, clock: [(x,) * 3 for x in calls]
    )
    first, second = Copies(1.0, 1.0, 2.0), Copies(0.5, 0.501, 0.998)
    assert shares.time_share(first, second, 4) == 0.5  # of 0.5, 0.501 and 0.499
    assert first.made == second.made == shares.PAIRS


@pytest.mark.parametrize(("own", "pairs"), [((0.5, 0.52, 0.5, 0.5), 5), ((0.5, 0.9), 9)])
def test_pairs_that_disagree_are_followed_by_more(monkeypatch, own, pairs):
    monkeypatch.setattr(
        shares, "by_turns", lambda calls, *, repeats, warm_up, clock: [(x,) * 3 for x in calls]
    )
    first = Copies(1.0)
    assert shares.time_share(first, Copies(*own), 4) == 0.5
    assert first.made == pairs


def test_rounds_are_compared_since_a_slow_one_slows_both(monkeypatch):
    """The medians, 2 and 1.5, would say 0.75: no round did."""
    rounds = [(1.0, 2.0, 10.0), (0.5, 1.5, 5.0)]
    monkeypatch.setattr(shares, "by_turns", lambda calls, **options: rounds)
    assert shares.time_share(Copies(1.0), Copies(1.0), 4) == 0.5


@pytest.mark.parametrize(("takes", "repeats"), [(1e-4, 100), (0.1, 7), (10.0, 5)])
def test_slow_models_are_called_less_often(monkeypatch, takes, repeats):
    asked = []

    def by_turns(calls, *, repeats, warm_up, clock):
        asked.append((repeats, warm_up, clock))
        return [(takes,)] * 2

    monkeypatch.setattr(shares, "by_turns", by_turns)
    shares.time_share(Copies(1.0), Copies(1.0), 4, clock="processor")
    assert asked == [(5, 5, "processor"), (repeats, 0, "processor")] * shares.PAIRS


@pytest.mark.parametrize("runtime", ["keras", "tflite"])
def test_real_copies_are_loaded_from_one_file_or_compiled_anew(runtime):
    with Runner(network(3), runtime) as runner:
        made, load = [], runner._load
        runner._load = lambda: made.append(load()) or made[-1]
        first, again = (runner.on_samples(2, anew=anew) for anew in (False, True))
        (copy,) = made
        assert copy is not runner.call
        assert (first()[0] == again()[0]).all()
        assert shares.time_share(runner, runner, 1) > 0
        assert 2 * shares.PAIRS <= len(made) - 1 <= 2 * shares.MOST_PAIRS
