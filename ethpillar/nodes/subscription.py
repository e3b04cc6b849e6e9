"""One socket's interest in a log feed.

Belongs here: where a subscriber is, how it gets there, and what happens when it is slow. It must not know how the
feed is filled nor what a sink does with an item.

A subscriber is either in the ring, at a sequence number, or in the journal, after a cursor. In the journal it is
served by a journalctl of its own, until that comes upon an entry that is in the ring. A backlog that the ring does
not have, a resume after a cursor, and a subscriber that fell out of the ring because it was slow are all this.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import gevent
from gevent.event import Event

from ..errors import (
    EthPillarError,
    LimitReached,
    LogUnavailable,
    PermissionDenied,
    SshError,
    SshUnreachable,
    TooManyLogs,
    whereabouts,
)
from ..journal.entry import Entry
from ..journal.formats import LineParser
from ..timing import Backoff, within
from .ring import Item, cursor_time, gap_between

if TYPE_CHECKING:
    from .log_feed import LogFeed

log = logging.getLogger(__name__)

BATCH = 500
"Items handed to a sink at once, at most."
BATCH_BYTES = 128 * 1024
"And their size: when that is reached, the sink is asked again whether it keeps up."
PATIENCE = 1.0
"Seconds that a subscriber in the journal may block before its journalctl is given back."
NOWHERE = -1
"The position of a subscriber that is not in the ring."
SLICE = 2.0
"Seconds that it may read while others wait to be served from the journal as well."
TRIES = 3
"How often a journal that ends with an error is read anew, before the cursor that a client gave is taken for none."
TRIES_DENIED = 5
"How often it is tried when the right to read it seems to be gone."
CATCH = 5.0
"Seconds that a subscriber at the journal's end waits for the follower before it looks into the journal again."


class LogSink(Protocol):
    """Where lines go. `lines` and `wait_ready` are called from the subscription's greenlet only."""

    window: float
    "Seconds that lines may be gathered before they are handed over."

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Waits until the receiver keeps up; False when time ran out."""

    def lines(self, items: Sequence[Item]) -> None:
        """Lines, in order."""

    def state(self, state: str, details: dict[str, Any]) -> None:
        """The feed's or the subscription's state changed."""

    def failed(self, error: EthPillarError) -> None:
        """The subscription has ended."""


class LogSubscription:
    """A greenlet that brings a feed's items to a sink, each once, in order."""

    def __init__(self, feed: LogFeed, sink: LogSink, lines: int, after: str | None, lossless: bool) -> None:
        self._feed = feed
        self._sink = sink
        self._lines: int | None = lines
        self._resume = after
        self._given = after is not None  # whether that cursor is the client's, and may be none
        self._inclusive = False  # whether the entry to resume at has not been delivered yet
        self._lossless = lossless
        self.position = NOWHERE
        "Sequence number of the next item in the ring, or `NOWHERE`."
        self._passed = 0  # lines in the ring before that position, since the feed began
        self._ahead = False
        self._woken = Event()
        self._live = False
        self._closed = False
        self._backoff = Backoff()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    @property
    def reach(self) -> int:
        """The sequence number up to which the ring is not needed any more for this subscriber."""
        return sys.maxsize if self._ahead else self.position

    def start(self) -> None:
        """Starts delivering."""
        self._greenlet = gevent.spawn(self._run)

    def wake(self) -> None:
        """The ring has something new."""
        self._woken.set()

    def tell(self, state: str, details: dict[str, Any]) -> None:
        """The feed's state, for a subscriber that has reached the present; others hear `live` when they do."""
        if self._live or state != "live":
            self._sink.state(state, details)

    def fail(self, problem: EthPillarError) -> None:
        """Ends the subscription from the feed's side. The sink is told, unless its owner closed it meanwhile."""
        self._stop()
        if self._feed.leave(self):
            self._sink.failed(about(self._feed.service, problem))

    def close(self) -> None:
        """Ends the subscription; nothing is delivered after this returns."""
        self._feed.leave(self)
        self._stop()

    def _stop(self) -> None:
        self._closed = True  # it may be its own greenlet that is asked to stop: then it does when it can
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            self._greenlet.kill()

    # -- delivering

    def _run(self) -> None:
        try:
            while not self._feed.started:
                self._wait()
            self._find_place()
            while not self._closed:
                if self.position == NOWHERE:
                    self._from_journal()
                else:
                    self._from_ring()
        except EthPillarError as problem:
            gevent.spawn(self.fail, problem)
        except Exception as problem:  # noqa: BLE001
            log.error("A log subscription failed (%s)", whereabouts(problem))
            gevent.spawn(self.fail, LogUnavailable(self._feed.service))

    def _find_place(self) -> None:
        ring = self._feed.ring
        if self._resume is not None:
            self._move(self._place())
        elif self._lines is not None and (self._lines <= len(ring) or ring.complete):
            self._move(max(ring.start, ring.end - self._lines))
            self._remember_place()

    def _move(self, position: int) -> None:
        self.position = position
        if position != NOWHERE:
            self._passed = self._feed.ring.lines_before(position)
            self._feed.progressed()  # one that joins at the end takes nothing, and yet nobody has to wait for it

    def _remember_place(self) -> None:
        """Where to resume, should the ring forget what comes next before the sink can take it."""
        ring = self._feed.ring
        if self.position < ring.end:
            item = ring.slice(self.position, 1)[0]
            self._resume, self._inclusive = item.cursor, item.gap is None
        elif len(ring):
            self._resume = ring.slice(ring.end - 1, 1)[0].cursor
        else:  # the journal was empty: whatever is in it by then
            self._lines = None

    def _place(self) -> int:
        found = None if self._resume is None else self._feed.ring.after(self._resume)
        return NOWHERE if found is None else found - self._inclusive

    def _from_ring(self) -> None:
        self._sink.wait_ready()
        ring = self._feed.ring
        if self.position < ring.start:
            self._fell_out()
            return
        if self._live and self._sink.window and self.position < ring.end < self.position + BATCH:
            gevent.sleep(self._sink.window)
        items = self._next_from_ring()
        if items:
            self._deliver(items)
            self.position += len(items)
            self._passed += sum(len(item.data) for item in items)
            self._feed.progressed()
            gevent.sleep(0)
            return
        if self.position < ring.end:
            return
        if not self._live:
            self._live = True
            if self._feed.state is not None:
                self._sink.state(*self._feed.state)
        self._wait()

    def _next_from_ring(self) -> Sequence[Item]:
        ring = self._feed.ring
        if self.position < ring.start:
            return []
        # Runs end at the same places for everybody, so that what is made of a run can be shared.
        items = ring.slice(self.position, BATCH - self.position % BATCH)
        size = 0
        for number, item in enumerate(items):
            size += item.size
            if size > BATCH_BYTES:
                return items[: number + 1]
        return items

    def _fell_out(self) -> None:
        ring = self._feed.ring
        if self._lossless:
            self.position = NOWHERE
            self._live = False
            return
        self._sink.state("gap", {"reason": "slow", "skipped": ring.lines_before(ring.start) - self._passed})
        self._move(ring.start)

    def _deliver(self, items: Sequence[Item]) -> None:
        run: list[Item] = []
        for item in items:
            if item.gap is None:
                run.append(item)
                continue
            self._send(run)
            run = []
            self._sink.state("gap", item.gap)
        self._send(run)
        self._resume, self._inclusive, self._given = items[-1].cursor, False, False

    def _send(self, items: Sequence[Item]) -> None:
        if items:
            self._sink.lines(items)
        if self._closed:
            raise gevent.GreenletExit

    def _wait(self) -> None:
        self._woken.wait()
        self._woken.clear()

    # -- from the journal

    def _from_journal(self) -> None:
        """Delivers from the journal until the ring has the rest."""
        self._sink.wait_ready()
        if (place := self._place()) != NOWHERE:
            self._move(place)
            return
        try:
            with self._feed.catching_up, self._feed.source.catching_up:
                advanced = self._read_journal()
        except EthPillarError as problem:
            if isinstance(problem, SshError) and problem.terminal:
                raise
            if isinstance(problem, PermissionDenied) and self._backoff.attempt >= TRIES_DENIED:
                raise
            self._feed.source.wait_connected()
            gevent.sleep(self._backoff.next())
            return
        gevent.sleep(0)  # a semaphore does not pass over who comes again at once
        if advanced:
            self._backoff.reset()
        elif self.position == NOWHERE:
            self._await_follower()

    def _await_follower(self) -> None:
        """At the journal's end, ahead of the follower: it will bring our last entry to the ring."""
        self._ahead = True
        self._feed.progressed()
        try:
            with within(CATCH):
                while self._place() == NOWHERE:
                    self._wait()
        finally:
            self._ahead = False

    def _read_journal(self) -> bool:
        """One journalctl from where we are. Whether it brought anything new."""
        lines = self._lines if self._resume is None else None
        parser = LineParser(self._feed.describe())
        expected = self._resume
        advanced = False
        until = float("inf")
        with self._feed.source.journal(self._feed.unit, lines=lines, cursor=expected) as stream:
            while entries := stream.read():
                until = min(until, time.monotonic() + SLICE)
                if expected is not None:
                    entries = self._check_start(expected, entries)
                    expected = None
                for some in self._feed.portions(entries):
                    advanced = True
                    if self._join(some, parser) or not self._sink.wait_ready(PATIENCE):
                        return True
                    if time.monotonic() > until and self._others_wait():
                        return True
            status, complaint = stream.status(), stream.complaint()
        if status == 0:
            if expected is not None or (self._resume is None and not advanced):
                self._start_over(expected)
        elif not advanced:
            # A cursor of a client's may be none at all, which is journalctl's complaint then. Our own are good.
            if self._given and expected is not None and (b"cursor" in complaint or self._backoff.attempt >= TRIES):
                self._start_over(expected)
            else:
                if status > 0:
                    self._feed.source.rights_in_doubt()
                raise SshUnreachable
        return advanced

    def _others_wait(self) -> bool:
        return bool(self._feed.catching_up.linkcount() or self._feed.source.catching_up.linkcount())

    def _check_start(self, expected: str, entries: list[Entry]) -> list[Entry]:
        if entries[0].cursor == expected:
            return entries if self._inclusive else entries[1:]
        self._tell_gap(expected, entries[0].realtime_us)
        return entries

    def _tell_gap(self, cursor: str, until_us: int | None) -> None:
        self._sink.state("gap", gap_between(cursor_time(cursor), until_us))

    def _start_over(self, expected: str | None) -> None:
        """The journal has nothing from our cursor on, or nothing at all: what the ring has is all there is."""
        ring = self._feed.ring
        self._move(ring.start)
        if expected is not None:
            if self._lines is not None:
                self._move(max(ring.start, ring.end - self._lines))
            first = next(iter(ring.slice(self.position, 1)), None)
            self._tell_gap(expected, first.realtime_us if first else None)

    def _join(self, entries: Sequence[Entry], parser: LineParser) -> bool:
        """Delivers entries up to the first that is in the ring; whether there was one."""
        items: list[Item] = []
        ring = self._feed.ring
        place = None
        for entry in entries:
            place = ring.after(entry.cursor)
            if place is not None:
                break
            items.append(self._feed.item_of(entry, parser))
        if items:
            self._deliver(items)
        if place is not None:
            self._move(place - 1)
        return place is not None


def about(service: str, problem: EthPillarError) -> EthPillarError:
    """What stands against one log, as an error about its service: that is how a page knows where to show it."""
    if isinstance(problem, LimitReached):
        return TooManyLogs(service)
    return LogUnavailable(service, hint=problem.message) if isinstance(problem, SshError) else problem
