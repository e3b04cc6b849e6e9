"""Log lines that appear once in a while, about events that a stranger can repeat at will."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable

from .buckets import Clock


class Rarely:
    """Lets each key through once in a while, and only so many keys together in that time."""

    def __init__(self, seconds: float = 60.0, most: int = 20, clock: Clock = time.monotonic) -> None:
        """:param seconds: how long a key that was let through is not let through again; :param most: keys meanwhile"""
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._through: OrderedDict[Hashable, float] = OrderedDict()  # when, the oldest first

    def may(self, key: Hashable) -> bool:
        """Return True if a key may pass now, and take note that it does."""
        now = self._clock()
        while self._through and now - next(iter(self._through.values())) >= self._seconds:
            self._through.popitem(last=False)
        if key in self._through or len(self._through) >= self._most:
            return False
        self._through[key] = now
        return True
