"""How long the answer to something that keeps failing is held back.

A page that is refused comes back at once, with all its sockets, for as long as it is open. So the first refusal is
told at once and later ones later and later; the refusals that come together, as those of one page do, count as one.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable

from .buckets import Clock

DELAYS = (0.0, 1.0, 2.0, 5.0, 10.0)
"Seconds that a refusal is held back, one after the other."
STEP = 2.0
"Seconds in which all refusals count as one."
FORGOTTEN = 60.0
"Seconds without a refusal after which the next one is the first again."
MOST = 10_000
"Keys remembered at most."


class Pacing:
    """The refusals of each key: a session, or an address."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._steps: OrderedDict[Hashable, tuple[int, float, float]] = OrderedDict()  # step, since when, last refusal

    def refused(self, key: Hashable) -> float:
        """Count a refusal; return the seconds for which it is to be held back."""
        now = self._clock()
        step, since, last = self._steps.pop(key, (0, now, now))
        if now - last > FORGOTTEN:
            step, since = 0, now
        elif now - since >= STEP:
            step, since = min(step + 1, len(DELAYS) - 1), now
        self._steps[key] = (step, since, now)
        while len(self._steps) > MOST:
            self._steps.popitem(last=False)
        return DELAYS[step]

    def forget(self, key: Hashable) -> None:
        """Take note that this key is not refused any more."""
        self._steps.pop(key, None)
