"""Events of one socket, one after the other.

Socket.IO's server starts a greenlet for each event, so that a subscribe and the unsubscribe sent right after it
would race. A lock is not enough: it may pass over a greenlet that waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gevent.event import Event


class Turns:
    """Lets one greenlet in at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._last = Event()
        self._last.set()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn, and hold it in the block."""
        before, mine = self._last, Event()
        self._last = mine
        try:
            before.wait()
        except BaseException:
            before.rawlink(lambda _: mine.set())  # the next one still waits for the one before us
            raise
        try:
            yield
        finally:
            mine.set()
