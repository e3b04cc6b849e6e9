"""What the follower reads, on its way into the ring, as fast as there is room.

Belongs here: making items of entries, waiting until the ring may forget others for them, and noting where the journal
has to be read on. It must not know how the journal is read, nor how an item gets to a browser.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

import gevent

from ..journal.entry import Entry
from ..journal.reading import After
from ..journal.steps import Gap
from ..turns import breathe
from .items import Item, portions
from .log import SharedLog
from .reader import JournalReader
from .ring import Room, may_forget
from .subscription import LogSubscription

GRACE = 0.25
GRACE_EVERY = 0.5
"Of every so many seconds, the follower waits `GRACE` at most for subscribers that are about to fall out of the ring."


class Grace:
    """How much longer the follower may wait for subscribers that are not the fastest."""

    def __init__(self) -> None:
        self._until = self._more_at = 0.0

    def left(self, now: float) -> float:
        """Return the seconds that are left at this moment; none if it is not positive."""
        if now >= self._more_at:
            self._until, self._more_at = now + GRACE, now + GRACE_EVERY
        return self._until - now


class Lend(Exception):
    """The follower's channel is to be closed, so that a subscriber can have it."""


class Intake:
    """Puts what is read of one unit's journal into its ring, in order.

    `append` makes items of entries and waits while subscribers need the room; it raises `Lend` if one of them needs the
    channel more. What was not put then is put by `put_pending`.
    """

    def __init__(self, shared: SharedLog, reader: JournalReader, subscriptions: Collection[LogSubscription]) -> None:
        """
        :param reader: its start is moved on behind each entry that is in the ring
        :param subscriptions: those of the log at each moment
        """
        self._log = shared
        self._reader = reader
        self._subscriptions = subscriptions
        self._lines = shared.items.lines()
        self._pending: list[Item] = []
        "Items that there was no room for when the channel was lent."
        self._grace = Grace()

    def describe(self, description: str | None) -> None:
        """Take note of the unit's description, which tells how its lines are parsed."""
        self._lines.describe(description)

    def append(self, entries: Sequence[Entry], gap: Gap | None = None) -> None:
        """Put entries into the ring, after the gap before them. Raises as `put`."""
        start = self._reader.start
        missing = [Item(start.cursor, gap.from_us or 0, b"", 0, gap)] if gap and isinstance(start, After) else []
        if missing and not entries:
            self.put(missing)
        for some in portions(entries):
            unknown = self._lines.unknown
            items = [self._log.items.make(entry, self._lines) for entry in some]
            self._log.tally.read(some, self._lines.client, self._lines.unknown - unknown)
            self.put([*missing, *items])
            missing = []
            for unit in {entry.unit or self._log.unit for entry in some if entry.pid == 1}:
                self._log.source.unit_changed(unit)
            gevent.sleep(0)  # its subscribers take what has come
            breathe()

    def put(self, items: Sequence[Item], lent: bool = False) -> None:
        """Append items to the ring as there is room.

        :raises Lend: somebody needs the channel, unless it is `lent` already; what is left is pending
        """
        done = 0
        try:
            while done < len(items):
                room = self._room_for(items[done:]) or self._wait_for_room(items[done:], lent)
                if not room:
                    self._pending = list(items[done:])
                    raise Lend
                self._log.ring.extend(items[done : done + room])
                done += room
        finally:  # whatever ends this, what is in the ring is not read again
            last = next((item for item in reversed(items[:done]) if item.gap is None), None)
            if last is not None:
                self._reader.start = After(last.cursor)
        self._log.ring.weigh()
        self._log.news.fire()

    def put_pending(self) -> None:
        """Put the items into the ring that there was no room for when the channel was lent, however long that takes."""
        pending, self._pending = self._pending, []
        self.put(pending, lent=True)

    def _room_for(self, items: Sequence[Item]) -> int:
        """Return how many of some items the ring has room for at the moment, roughly: all, half of them, and so on.

        What is asked costs as much as there are subscribers, so it is not asked for each item.
        """
        ring, count = self._log.ring, len(items)
        if not self._log.started:
            return count
        reached = [each.reach for each in self._subscriptions]
        while count:
            forgotten = ring.would_forget(*items[:count])
            if forgotten <= ring.start or (
                forgotten < ring.end and may_forget(ring, forgotten, reached, ()) is Room.GO
            ):
                return count
            count //= 2
        return 0

    def _wait_for_room(self, items: Sequence[Item], lent: bool) -> int:
        """Wait until the ring may forget what it must for the first item.

        :return: for how many of the items there is room then: for all, if the subscribers that still need what would be
            forgotten have had their time; 0 if the channel is needed instead
        """
        ring = self._log.ring
        self._wait_for_turns(min(ring.would_forget(*items), ring.end))
        forgotten = ring.would_forget(items[0])
        while forgotten > ring.start:
            reached = [each.reach for each in self._subscriptions]
            room = may_forget(ring, forgotten, reached, (each.wants_channel for each in self._subscriptions))
            left = None
            if room is Room.GIVE_BACK and not lent:
                return 0
            if room is Room.GRACE:
                left = self._grace.left(time.monotonic())
            if room is Room.GO:
                break
            if left is not None and left <= 0:
                return len(items)
            self._log.news.fire()
            self._log.progress.wait(left)
        return 1

    def _wait_for_turns(self, forgotten: int) -> None:
        """Wait until nobody needs what would be forgotten but those whose browsers are slow.

        It is this server that keeps the others waiting. Pushed out of the ring, they would cost it yet more.
        """
        for each in list(self._subscriptions):
            while each.takes and each.reach < forgotten:
                self._log.news.fire()
                self._log.progress.wait()
