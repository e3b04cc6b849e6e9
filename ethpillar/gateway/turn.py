"""Events of one socket, one after the other.

Socket.IO's server starts a greenlet for each event, so that a subscribe and the unsubscribe sent right after it
would race. A lock is not enough: it may pass over a greenlet that waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gevent.event import Event

from ..errors import LimitReached

WAITING = 500
"Events of one socket that may wait for their turn; more than that is no page's doing."


class Turns:
    """Lets one greenlet in at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._last = Event()
        self._last.set()
        self._waiting = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn, and hold it in the block. Raises `LimitReached` if too many wait already."""
        if self._waiting >= WAITING:
            raise LimitReached("Too many requests are waiting on this connection.")
        before, mine = self._last, Event()
        self._last = mine
        self._waiting += 1
        try:
            before.wait()
        except BaseException:
            before.rawlink(lambda _: mine.set())  # the next one still waits for the one before us
            raise
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            mine.set()
