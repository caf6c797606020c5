"""Choices whose models are timed beside the original; each aim is corrected by the last."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

from tfprune.costs.timing.runners import Runner
from tfprune.costs.timing.shares import time_share
from tfprune.costs.timing.table import Setting
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.progress import tell
from tfprune.selection._budget import OutOfReachError
from tfprune.selection.aims import ENOUGH, Aims, distance
from tfprune.selection.request import Request
from tfprune.selection.rounded_widths import Choose, Masks
from tfprune.surgery.masks import kept_ids
from tfprune.surgery.rebuilding import rebuild

_TRIES, _AIMS = 8, 24  # that are measured; whose choice is looked up, which takes much less
_STEP = 1e-3  # of the aim: smaller ones lead nowhere


@dataclass(frozen=True, eq=False)
class Try:
    """A choice whose model was measured.

    Args:
        keep: its masks.
        notes: of its selector.
        request: what its selector was asked for: the aim, and what widths are multiples of.
        share: of the original's time.
        wanted: the share that was asked for in the first place.
        refusal: what the table said where it held the aim to be out of reach.
        confirmed: whether the share was measured after this try had been picked for another one.
    """

    keep: Masks
    notes: list[str]
    request: Request
    share: float
    wanted: float
    refusal: OutOfReachError | None = None
    confirmed: bool = False

    @property
    def distance(self) -> float:
        """How far its share is from the wanted one, as a share of that."""
        return distance(self.share, self.wanted)

    @property
    def round_to(self) -> int:
        """What its widths are multiples of."""
        return self.request.round_to


class Original(ExitStack):
    """The whole model in its runtime, for smaller ones to be timed against.

    Args:
        graph: its channel graph.
        setting: where and how it is timed.
    """

    def __init__(self, graph: ChannelGraph, setting: Setting):
        super().__init__()
        self.graph, self.setting = graph, setting

    @cached_property
    def runner(self) -> Runner:
        """The model, made ready once for all tries."""
        one = self.setting
        return self.enter_context(Runner(self.graph.model, one.runtime, one.threads))

    def share_of(self, keep: Masks) -> float:
        """Return a smaller model's time as a share of the original's, by fresh copies of both.

        Args:
            keep: its masks.
        """
        one = self.setting
        with Runner(rebuild(self.graph, keep), one.runtime, one.threads) as small:
            return time_share(self.runner, small, one.batch_size, clock=one.clock)


def nearest_try(
    graph: ChannelGraph, original: Original, requests: Sequence[Request], choose: Choose
) -> Try:
    """Return the nearest try of the first request that is met, or of all if none is.

    Of several measured shares the nearest is so by chance, too. What is picked is therefore
    measured once more, and only that counts: another try may then be the nearest.

    Raises:
        OutOfReachError: whatever goes, the table predicts no gain.
    """
    found: list[Try] = []
    refused: list[OutOfReachError] = []
    for request in requests:
        try:
            found.extend(_tries(graph, original, request, choose))
        except OutOfReachError as error:  # so coarse, or so odd, that it is slower at any width
            refused.append(error)
        tell(len(found), len(found), "tries")
        if any(one.distance <= ENOUGH for one in found):
            break
    if not found:
        raise refused[0]
    while not (nearest := min(found, key=lambda one: one.distance)).confirmed:
        found[found.index(nearest)] = _again(original, nearest)
    return nearest


def _again(original: Original, one: Try) -> Try:
    return replace(one, share=original.share_of(one.keep), confirmed=True)


def _tries(
    graph: ChannelGraph, original: Original, request: Request, choose: Choose
) -> Iterator[Try]:
    """Yield one choice for each aim, which the measured share of the one before corrects.

    Where widths are coarse another aim may lead to the same choice, whose share is known then: the
    aim is corrected further, for as long as that moves it.
    """
    aim, known = request.latency, {}
    aims = Aims(request.latency)
    for _ in range(_AIMS):
        keep, notes, aim, refusal = _at(request, aim, choose)
        chosen = kept_ids(graph, keep)
        again = chosen.tobytes() in known
        if not again:
            if len(known) == _TRIES:
                return
            tell(len(known), _TRIES, "tries")
            at = replace(request, latency=aim)
            found = Try(keep, notes, at, original.share_of(keep), request.latency, refusal)
            if found.distance <= ENOUGH:
                found = _again(original, found)
            known[chosen.tobytes()] = found
            yield found
        found = known[chosen.tobytes()]
        corrected = aims.next(aim, found.share)
        stays = abs(corrected - aim) < _STEP or (again and refusal is not None)
        if found.distance <= ENOUGH or chosen.all() or stays:
            return
        aim = corrected


def _at(
    request: Request, aim: float, choose: Choose
) -> tuple[Masks, list[str], float, OutOfReachError | None]:
    """Return masks, notes and aim: the one asked for, or the lowest that the table thinks of."""
    try:
        return *choose(replace(request, latency=aim)), aim, None
    except OutOfReachError as error:
        if error.least >= 1:
            raise
        return *choose(replace(request, latency=error.least)), error.least, error
