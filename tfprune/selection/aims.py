"""What to aim at next, from what came of the aims before."""

# Distances to the share that is asked for: no further try, and refused.
ENOUGH, MISSED = 0.02, 0.05


class Aims:
    """Aims at a share, corrected by regula falsi: what is predicted and what is measured differ.

    The whole model's share is 1 in both. Between two aims that enclose the share the next lies
    where the line through them meets it; as long as all were too high, the line goes on through
    the whole and the lowest.

    Args:
        share: what is to be measured in the end, in (0, 1].

    Example:
        >>> aims = Aims(0.5)
        >>> round(aims.next(0.5, 0.6), 3)  # the line through (1, 1) and (0.5, 0.6)
        0.375
        >>> round(aims.next(0.375, 0.4), 4)  # and through (0.5, 0.6) and (0.375, 0.4)
        0.4375
    """

    def __init__(self, share: float):
        self.share = share
        self.above: list[tuple[float, float]] = [(1.0, 1.0)]
        self.below: list[tuple[float, float]] = []

    def next(self, aim: float, measured: float) -> float:
        """Return the next aim, in (0, 1].

        Args:
            aim: the one before.
            measured: the share that came of it.
        """
        (self.above if measured > self.share else self.below).append((aim, measured))
        high, high_share = min(self.above)
        low, low_share = max(self.below, default=(1.0, 1.0))
        rises = (high - low) * (high_share - low_share) > 0
        if self.below and not rises:  # noise: a lower aim gave more
            return (low + high) / 2
        if not rises:
            return high * self.share / high_share
        slope = (high - low) / (high_share - low_share)
        return min(max(low + slope * (self.share - low_share), 1e-6), 1.0)


def distance(share: float, wanted: float) -> float:
    """Return how far a share is from the wanted one, as a share of that.

    Example:
        >>> round(distance(0.51, 0.5), 3)
        0.02
    """
    return abs(share / wanted - 1)
