"""How long the answer to something that keeps failing is held back.

A page that is refused comes back soon, with all its sockets, for as long as it is open. So the first refusal is told
at once and later ones later and later; the refusals that come together, as those of one page do, count as one. Beside
that, a few sockets of a session in a while hear their refusal without further delay, and the next ones when those are
old: a page then has its reason to show, and rests.
"""

from __future__ import annotations

import time
from bisect import insort
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from .buckets import Clock

DELAYS = (0.0, 1.0, 2.0, 5.0, 10.0)
"Seconds that a refusal is held back, one after the other."
STEP = 2.0
"Seconds in which all refusals count as one."
SOCKETS, WITHIN = 5, 20.0
"""Sockets that hear their refusal without further delay in so many seconds. A page of the dashboard has five, and each
comes back when it has heard, so it opens ten in that time."""
FORGOTTEN = 10.0
"""Seconds after a refusal was told in which a page comes back, if it does so by itself. The next one after that is the
first again: somebody has reloaded the page, and wants to know why it shows nothing."""
MOST = 10_000
"Keys remembered at most."


@dataclass(slots=True)
class _Refused:
    """What is remembered of a key."""

    since: float
    "When its step began."
    told: float
    "When the last of its refusals is told."
    step: int = 0
    came: list[float] = field(default_factory=list)
    "When the newest of its sockets came, the oldest first."
    unheard: int = 0
    "Refusals that nobody waited for any more."


class Pacing:
    """The refusals of each key: a session, or an address."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._steps: OrderedDict[Hashable, _Refused] = OrderedDict()

    def refused(self, key: Hashable, came: float | None = None) -> float:
        """Count a refusal; return the seconds for which it is to be held back.

        :param came: when the socket that is refused came; None if it has been counted, or need not be
        """
        now = self._clock()
        known = self._known(key, now)
        if now - known.told >= FORGOTTEN:
            known.step, known.since = 0, now
        elif now - known.since >= STEP:
            known.step, known.since = min(known.step + 1, len(DELAYS) - 1), now
        free = now if came is None else self._count(known, came)
        delay = max(DELAYS[known.step], free - now)
        if known.unheard:  # a page was reloaded, and the new one has nothing to show
            known.unheard -= 1
            delay = 0.0
        known.told = max(known.told, now + delay)
        return delay

    def opened(self, key: Hashable, came: float) -> None:
        """Count a socket that was let in, and has to go now: it heard why."""
        self._count(self._known(key, self._clock()), came)

    def unheard(self, key: Hashable) -> None:
        """Take note that a client left before it was told: the next refusal of this key is told at once."""
        if key in self._steps:
            self._steps[key].unheard += 1

    def forget(self, key: Hashable) -> None:
        """Take note that this key is not refused any more."""
        self._steps.pop(key, None)

    def _known(self, key: Hashable, now: float) -> _Refused:
        known = self._steps.pop(key, None)
        if known is None:
            known = _Refused(now, now)
        self._steps[key] = known
        while len(self._steps) > MOST:
            self._steps.popitem(last=False)
        return known

    def _count(self, known: _Refused, came: float) -> float:
        """Count a socket; return when it may hear its refusal: once the fifth before it is old."""
        free = known.came[0] + WITHIN if len(known.came) == SOCKETS else float("-inf")
        insort(known.came, came)
        del known.came[:-SOCKETS]
        return free
