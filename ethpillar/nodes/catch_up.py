"""Serving one subscriber from the journal.

Belongs here: one turn of it: a journalctl from where the subscriber is, until it comes upon an entry that is in the
ring, the subscriber is slow, or others have waited long enough. It must not know what the subscriber does in the ring.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import gevent

from ..errors import EthPillarError
from ..journal.boots import doubtful
from ..journal.complaint import shows_damage
from ..journal.cursor import time_of
from ..journal.entry import Entry
from ..journal.reading import After, Last, Reading, Verdict
from ..journal.steps import Gap
from .items import Item, portions
from .log import SharedLog
from .reader import JournalReader
from .runs import Run
from .source import EntryStream

BLOCKED = 1.0
"Seconds that a subscriber in the journal may block before its journalctl is given back."
SLICE = 2.0
"Seconds that it may read while others wait to be served from the journal as well."


class LogSink(Protocol):
    """Where a subscription's lines go.

    `wait_ready` and then `lines` are called from the subscription's greenlet only, in turns, and may wait for the
    receiver; `ready`, `state` and `failed` must not wait. After `failed` nothing else is called.
    """

    window: float
    "Seconds that lines may be gathered before they are handed over."

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until the receiver keeps up; return False if that took longer than `timeout` seconds."""

    def ready(self) -> bool:
        """Return True if the receiver keeps up, so that `wait_ready` would not wait."""

    def lines(self, run: Run) -> None:
        """Take lines, in order."""

    def state(self, state: str, details: dict[str, Any]) -> None:
        """Take note that the feed's or the subscription's state changed."""

    def elsewhere(self, where: str) -> None:
        """Take note that what the unit prints does not get into the journal any more; see `LogElsewhere`."""

    def failed(self, error: EthPillarError) -> None:
        """Take note that the subscription has ended."""


class CatchUp:
    """The reading of one subscriber that is served from the journal."""

    def __init__(
        self,
        shared: SharedLog,
        reader: JournalReader,
        sink: LogSink,
        deliver: Callable[[Run], None],
        join: Callable[[int], None],
        backlog: int,
    ) -> None:
        """
        :param deliver: takes items, and moves the reader's start on to the last of them
        :param join: takes the position in the ring from which the subscriber can be served, before anything else runs
        :param backlog: lines shown of the ring when the cursor that a client supplied is none
        """
        self._log = shared
        self._reader = reader
        self._sink = sink
        self._deliver = deliver
        self._join = join
        self._backlog = backlog
        self._lines = shared.items.lines()

    def begin(self) -> None:
        """Forget what the lines before have shown: what is read next does not follow them."""
        self._lines = self._log.items.lines()

    def place(self) -> int | None:
        """Return the position in the ring from which the subscriber can be served, or None."""
        start = self._reader.start
        found = self._log.ring.after(start.cursor) if isinstance(start, After) else None
        return None if found is None else found - (isinstance(start, After) and start.inclusive)

    def turn(self) -> bool:
        """Read once. Return True if everything was read, and the ring does not have the last of it yet.

        :raises ReadFailed: the stream ended before its time
        :raises EthPillarError: as `JournalSource.journal`
        """
        try:
            with self._log.catching_up, self._log.source.catching_up, self._reader.open() as (reading, stream):
                ahead = self._read(reading, stream)
        finally:
            self._log.returned.fire()
        gevent.sleep(0)  # a semaphore does not pass over a greenlet that comes again at once
        return ahead

    def _read(self, reading: Reading, stream: EntryStream) -> bool:
        if self._log.in_doubt and isinstance(self._reader.start, Last):
            return self._go_round(stream)
        until, last = float("inf"), None
        self._lines.describe(self._log.description)
        while entries := stream.read():
            until = min(until, time.monotonic() + SLICE)
            if shows_damage(stream.complaint(), since_us=reading.since_us or entries[0].realtime_us):
                return self._go_round(stream)
            for some in portions(entries):
                start = self._reader.start
                before = start.cursor if isinstance(start, After) else last
                new, gap = reading.take(some)
                last = some[-1].cursor
                if gap is not None or doubtful(some, before) is not None:  # vacuumed, or damaged, or of another boot
                    return self._go_round(stream)
                if self._take(reading, new) or not self._sink.wait_ready(BLOCKED):
                    return False
                if time.monotonic() > until and self._others_wait():
                    return False
        found = self._reader.judge(reading, stream, expected=len(self._log.ring) > 0)
        if found is Verdict.DAMAGED:
            return self._go_round(stream)
        if reading.advanced:
            return False
        if isinstance(start := self._reader.start, After) and self._reader.misses_boot(start.cursor):
            return self._go_round(stream)
        if found is Verdict.COMPLETE and isinstance(start, After):
            return True
        self._start_over()
        return False

    def _others_wait(self) -> bool:
        queued = self._log.catching_up.linkcount() or self._log.source.catching_up.linkcount()
        return bool(queued) or self._log.follower_waits

    def _go_round(self, stream: EntryStream) -> bool:
        """Read on, round what can't be read; returns as `turn`."""
        stream.close()
        for entries, gap in self._reader.go_round():
            if gap is not None:
                self._sink.state("gap", gap.details())
                if entries:
                    self._reader.start = After(entries[0].cursor, inclusive=True)
            for some in portions(entries):
                if self._until_ring(some) or not self._sink.wait_ready(BLOCKED):
                    return False
        return isinstance(self._reader.start, After)

    def _take(self, reading: Reading, new: Sequence[Entry]) -> bool:
        if not new:
            self._reader.start = reading.next
            return False
        return self._until_ring(new)

    def _until_ring(self, new: Sequence[Entry]) -> bool:
        """Deliver entries up to the first that is in the ring. Return True if there was one."""
        self._reader.succeeded()
        ring = self._log.ring
        items: list[Item] = []
        place = None
        for entry in new:
            if (place := ring.after(entry.cursor)) is not None:
                break
            items.append(self._log.items.make(entry, self._lines))
        if items:
            self._deliver(Run(items))
        if place is not None:
            self._join(place - 1)
        return place is not None

    def _start_over(self) -> None:
        """Take note that the journal has nothing from the start on: what the ring has is all there is."""
        ring, start = self._log.ring, self._reader.start
        if (place := self.place()) is not None:
            self._join(place)
            return
        if isinstance(start, Last):
            self._join(ring.start)
            return
        position = ring.start if start.ours else max(ring.start, ring.end - self._backlog)
        first = next(iter(ring.slice(position, 1)), None)
        self._join(position)
        self._sink.state("gap", Gap(time_of(start.cursor), first.realtime_us if first else None).details())
