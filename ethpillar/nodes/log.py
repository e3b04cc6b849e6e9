"""The state that the follower and the subscribers of one unit's log share.

Belongs here: the ring, how items are made, who is told of what. It must not know what either of them does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ..units import service_name
from .items import ItemMaker
from .ring import Ring
from .source import JournalSource
from .tally import Tally

CATCHING_UP = 2
"Subscribers of a log that are served from the journal at once: each takes a channel."


class Signal:
    """Wakes all greenlets that wait for it at the moment. Look at what you wait for just before you wait."""

    def __init__(self) -> None:
        self._event = Event()

    def fire(self) -> None:
        """Wake them."""
        event, self._event = self._event, Event()
        event.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the next call of `fire`. Return False if it did not come within `timeout` seconds."""
        return self._event.wait(timeout)


class SharedLog:
    """The log of one unit of one node, as far as it has been read."""

    def __init__(
        self,
        unit: str,
        source: JournalSource,
        items: ItemMaker,
        ring: Ring,
        session: str = "",
        tally: Tally | None = None,
    ) -> None:
        """
        :param session: its name in the server's log
        :param tally: where what is read and sent is counted
        """
        self.tally = tally or Tally()
        self.about = {"session": session}
        self.unit = unit
        self.service = service_name(unit)
        self.source = source
        self.items = items
        self.ring = ring
        self.description: str | None = None
        "The unit's description, as of the last try to follow it."
        self.in_doubt = False  # whether journalctl may show boots in a wrong order
        self.started = False
        "True if the ring holds the end of the journal as of some moment, and everything that came after it."
        self.told: tuple[str, dict[str, Any]] | None = None
        "The last state that all were told, or None while the log is starting."
        self.follower_waits = False
        "True if the follower has no channel and wants one."
        self.catching_up = BoundedSemaphore(CATCHING_UP)
        self.news = Signal()
        "The ring has something new, or the follower is in another state."
        self.progress = Signal()
        "A subscriber needs less of the ring than before, or gave up waiting for a channel by itself."
        self.borrow: Callable[[], None] = lambda: None
        "Asks the follower to close its channel for a while. Set by the follower."
        self.lent = Signal()
        "The follower has closed its channel so that a subscriber can have it."
        self.returned = Signal()
        "A subscriber has closed its channel."
