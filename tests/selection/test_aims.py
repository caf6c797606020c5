"""What is aimed at next: where the line through what was measured meets the share."""

import pytest

from tfprune.selection.aims import Aims


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
@pytest.mark.parametrize(
    "measured",
    [lambda aim: aim, lambda aim: 0.2 + 0.8 * aim, lambda aim: aim**2, lambda aim: aim**0.5],
)
def test_aims_end_where_the_share_is_measured(share, measured):
    aims, aim = Aims(share), share
    for _ in range(7):
        aim = aims.next(aim, measured(aim))
    assert measured(aim) == pytest.approx(share, rel=0.02)


def test_a_line_is_met_at_the_second_aim():
    assert 0.1 + 0.9 * Aims(0.5).next(0.5, 0.55) == pytest.approx(0.5)


def test_noise_never_leads_beyond_what_is_known():
    aims = Aims(0.5)
    assert aims.next(0.5, 1.2) == pytest.approx(0.5 * 0.5 / 1.2)  # slower than the whole
    assert aims.next(0.6, 0.4) == pytest.approx((0.5 + 0.6) / 2)  # a higher aim gave less
    assert 0 < Aims(0.1).next(0.1, 0.999) <= 1
