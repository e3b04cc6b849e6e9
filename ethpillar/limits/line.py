"""Who is next of those that wait until their client's debt is paid off.

Belongs here: the order. Those of one client share its rate: its sessions, and what shows no session yet. Each part has
as much of it as any other, however many wait in one and however much each of them wants: a page that shares an address
with a flood is next after one of the flood's.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """A queue that is fair by what is wanted and not by who is first (start-time fair queueing).

    What a part has been given so far is its time, and the queue's time is that of the one taken last. Each that comes
    is due when its part's time, or the queue's if that is later, has passed by what it wants; the one due first is
    next. A part that wanted nothing for a while has saved up nothing.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, float, T]] = []
        self._order = itertools.count()
        self._times: dict[Hashable, float] = {}
        self._now = 0.0
        self._gone: set[int] = set()

    def __len__(self) -> int:
        return len(self._heap) - len(self._gone)

    def put(self, part: Hashable, cost: float, item: T) -> int:
        """Add what waits. Return its number, for `discard`."""
        begin = max(self._now, self._times.get(part, 0.0))
        due = self._times[part] = begin + cost
        number = next(self._order)
        heapq.heappush(self._heap, (due, number, begin, item))
        return number

    def take(self) -> T:
        """Take the next one. Raises LookupError if there is none."""
        while self._heap:
            _, number, begin, item = heapq.heappop(self._heap)
            if number in self._gone:
                self._gone.remove(number)
                continue
            self._now = max(self._now, begin)
            self._forget_if_empty()
            return item
        raise LookupError

    def discard(self, number: int) -> None:
        """Forget one that does not wait any more, and was not taken."""
        self._gone.add(number)
        self._forget_if_empty()

    def _forget_if_empty(self) -> None:
        if not self:
            self._heap.clear()
            self._gone.clear()
            self._times.clear()
            self._now = 0.0
