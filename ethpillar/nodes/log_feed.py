"""One followed journal: a unit's entries, read once for all its subscribers.

Belongs here: the follower that reads the journal into the ring, what it does when the stream ends (resume after the
last cursor; say so when that is gone), and how fast it reads. It must not know how an item gets to a browser.

The follower always starts at a cursor. First it reads what there is (the backlog, or after a break all after the last
entry), which ends by itself and so tells the last cursor there is. Then it follows from that cursor, itself included,
and drops the equal entry. So what is in the ring is contiguous, and begins and ends at known places.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ..errors import (
    EthPillarError,
    LimitReached,
    PermissionDenied,
    SshError,
    SshUnreachable,
    UnitNotFound,
    whereabouts,
)
from ..journal.entry import Entry
from ..journal.formats import Line, LineParser
from ..journal.text import clean
from ..timing import Backoff
from ..units import service_name
from .ring import Item, Ring, gap_between
from .source import EntryStream, JournalSource
from .subscription import LogSink, LogSubscription

log = logging.getLogger(__name__)

BACKLOG = 50
"Entries the feed itself starts with; whoever wants more gets it from the journal."
CHUNK = 256
"Lines (or KiB) parsed before others get their turn."
TRIES = 5
"How often a new log is tried when a node has no room for it."
TRIES_DENIED = 5
"How often one that was followed is tried when the right to read it seems to be gone."
STEADY = 10.0
"Seconds after which a journal that was followed, and had nothing to tell, was a good one."
GRACE = 0.25
GRACE_EVERY = 2.5
"Of so many seconds, those that all others may wait for subscribers that are about to fall out of the ring."

Encode = Callable[[str, Entry, str, Line, bool], str]
"(service, entry, text, line, last): a line as it will be sent. `last`: it ends its entry, so the cursor may be shown."


class LogFeed:
    """The journal of one unit of one node. Lives while it has subscribers; `idle` is called when the last one went."""

    def __init__(
        self,
        unit: str,
        source: JournalSource,
        encode: Encode,
        ring: Ring,
        idle: Callable[[LogFeed], None],
    ) -> None:
        self.unit = unit
        self.service = service_name(unit)
        self.source = source
        self.ring = ring
        self.state: tuple[str, dict[str, Any]] | None = None
        "The last state told to all, or None while the feed is starting."
        self._encode = encode
        self._idle = idle
        self._parser = LineParser()
        self._last: Item | None = None
        self._begun = False
        self._followed = False
        self._given_up = False
        self._backoff = Backoff()
        self._subscriptions: set[LogSubscription] = set()
        self._progress = Event()
        self._grace = 0.0  # until when, and when there is more
        self._more_grace = 0.0
        self.catching_up = BoundedSemaphore(2)
        "Subscribers that are served from the journal at once: each takes a channel."
        self._follower = gevent.spawn(self._run)

    # -- subscribers

    def subscribe(
        self, sink: LogSink, lines: int = BACKLOG, after: str | None = None, lossless: bool = True
    ) -> LogSubscription:
        """A sink's interest in this feed.

        :param lines: entries of backlog
        :param after: a cursor: everything after it, instead of a backlog
        :param lossless: a slow sink gets everything, late; else it is told how much it missed
        """
        subscription = LogSubscription(self, sink, lines, after, lossless)
        self._subscriptions.add(subscription)
        subscription.start()
        return subscription

    def leave(self, subscription: LogSubscription) -> bool:
        """A subscription has ended. Whether it had not before."""
        if subscription not in self._subscriptions:
            return False
        self._subscriptions.discard(subscription)
        self._progress.set()
        if not self._subscriptions:
            self._idle(self)
        return True

    @property
    def idle(self) -> bool:
        """Whether nobody is interested."""
        return not self._subscriptions

    @property
    def dead(self) -> bool:
        """Whether it has given up: whoever wants this log needs another feed."""
        return self._given_up or bool(self._follower.dead)

    @property
    def started(self) -> bool:
        """Whether the ring holds the end of the journal as of some moment, and all that came after."""
        return self._begun

    def progressed(self) -> None:
        """A subscriber took something from the ring: perhaps the follower may go on."""
        self._progress.set()

    def close(self) -> None:
        """Ends the follower and every subscription."""
        self._follower.kill()
        for subscription in list(self._subscriptions):
            subscription.close()

    # -- the follower

    def _run(self) -> None:
        while True:
            try:
                self.source.wait_connected()
                self._read()
            except EthPillarError as problem:
                if self._is_over(problem):
                    return self._fail(problem)
                if isinstance(problem, PermissionDenied):
                    self.source.rights_in_doubt()
            except Exception as problem:  # noqa: BLE001
                log.error("Following a log failed (%s); it goes on after its last entry", whereabouts(problem))
            delay = self._backoff.next()
            self._tell("reconnecting", attempt=self._backoff.attempt, retry_in=round(delay, 3))
            gevent.sleep(delay)

    def _is_over(self, problem: EthPillarError) -> bool:
        """Whether a problem ends this log, rather than keep it back for a while."""
        if isinstance(problem, LimitReached):  # there is no room for one more; others' backlogs would be over by now
            return not self._followed and self._backoff.attempt >= TRIES
        if isinstance(problem, PermissionDenied):  # a journalctl that is broken for a moment may look like this
            return not self._followed or self._backoff.attempt >= TRIES_DENIED
        if isinstance(problem, UnitNotFound):
            return not self._begun
        return isinstance(problem, SshError) and problem.terminal

    def _fail(self, problem: EthPillarError) -> None:
        self._given_up = True  # before anybody is told, which takes turns: who comes now would never hear anything
        for subscription in list(self._subscriptions):
            subscription.fail(problem)

    def _read(self) -> None:
        self._parser.describe(self.describe())
        while True:
            self._catch_up()
            if self._follow():
                return

    def describe(self) -> str | None:
        """The unit's description. Raises what stands against reading its journal."""
        try:
            return self.source.check_unit(self.unit)
        except UnitNotFound:  # one that is being replaced may be away for a moment, and its journal is there
            if not self._begun:
                raise
            return None

    def _catch_up(self) -> None:
        """Reads what the journal has by now, without following: the backlog at first, then all after the last entry."""
        if not self._begun:
            self._read_backlog()
            return
        last = expected = self._last
        with self.source.journal(self.unit, cursor=last.cursor if last else None) as stream:
            while entries := stream.read():
                if expected is not None:
                    if entries[0].cursor == expected.cursor:
                        entries = entries[1:]
                    else:
                        self._gap(expected, entries[0])
                    expected = None
                self._append(entries)
            self._check(stream)
        if expected is not None:  # nothing at all: the journal may be empty, or not be shown to us any more
            if not self.source.rights_in_doubt():
                raise SshUnreachable  # following it could be silent for ever
            self.describe()

    def _read_backlog(self) -> None:
        found: list[Entry] = []
        with self.source.journal(self.unit, lines=BACKLOG) as stream:
            while entries := stream.read():
                found += entries
            self._check(stream)  # perhaps it is a part of it: the ring must not begin in the middle
            self.ring.complete = stream.count < BACKLOG
        self._append(found)
        self._begun = True
        self._wake()

    def _follow(self) -> bool:
        """Reads on after the last entry. True when the stream has ended, False when it did not begin where it should.

        It may not: from systemd 251 on a followed journal shows the current boot only, so after a reboot it begins
        at the first entry that came since. What lies between is then read without following.
        """
        last = self._last
        began = time.monotonic()
        with self.source.journal(self.unit, cursor=last.cursor if last else None, follow=True) as stream:
            self._followed = True
            self._tell("live")
            resuming = last is not None
            while entries := stream.read():
                if resuming and last is not None:
                    if entries[0].cursor != last.cursor:
                        return False
                    resuming = False
                    entries = entries[1:]
                if entries:
                    self._backoff.reset()  # not when it catches up, which a journalctl that can't be followed does too
                self._append(entries)
        if time.monotonic() - began > STEADY:
            self._backoff.reset()
        return True

    def _check(self, stream: EntryStream) -> None:
        """Raises unless all has come that there was."""
        status = stream.status()
        if status > 0:
            self.source.rights_in_doubt()
        if status != 0:
            raise SshUnreachable

    def _gap(self, last: Item, found: Entry) -> None:
        """The entry to resume from is not in the journal any more: what lay between is lost, and that is said."""
        gap = gap_between(last.realtime_us, found.realtime_us)
        self._put([Item(last.cursor, last.realtime_us, (), gap)])

    def _append(self, entries: Sequence[Entry]) -> None:
        for some in self.portions(entries):
            self._put([self.item_of(entry, self._parser) for entry in some])
            if any(entry.pid == 1 for entry in some):
                self.source.unit_changed(self.unit)
            gevent.sleep(0)

    @staticmethod
    def portions(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
        """The entries in runs that are parsed at once."""
        begin = work = 0
        for number, entry in enumerate(entries):
            work += 1 + entry.message.count(b"\n") + (len(entry.message) >> 10)
            if work >= CHUNK:
                yield entries[begin : number + 1]
                begin, work = number + 1, 0
        if begin < len(entries):
            yield entries[begin:]

    def item_of(self, entry: Entry, parser: LineParser) -> Item:
        """An entry, parsed and encoded. A message with line breaks is several lines; only the last has the cursor."""
        texts = clean(entry.message)
        last = len(texts) - 1
        lines = [
            self._encode(
                self.service,
                entry,
                text,
                parser.parse(text, entry.priority, manager=entry.pid == 1, further=number > 0),
                number == last,
            )
            for number, text in enumerate(texts)
        ]
        return Item(entry.cursor, entry.realtime_us, tuple(lines))

    def _put(self, items: Sequence[Item]) -> None:
        for item in items:
            if self._begun:
                self._make_room(item)
            self.ring.append(item)
            self._last = item
        self._wake()

    def _make_room(self, item: Item) -> None:
        """Waits before the ring forgets what somebody still needs.

        For the fastest subscriber it waits as long as it takes: when nobody keeps up, the SSH window fills, and the
        journalctl on the node waits too. For the others it waits while that costs the fastest nothing, because it has
        not taken yet what the ring has; then for a moment: in a burst all are about equally fast, and whoever falls
        out of the ring has to be served from the journal, which costs much more.
        """
        forgotten = self.ring.would_forget((item,))
        if forgotten <= self.ring.start:
            return
        while self._subscriptions:
            reached = [each.reach for each in self._subscriptions]
            fastest = max(reached)
            patience = None
            if fastest >= forgotten:
                if not any(self.ring.start <= each < forgotten for each in reached):
                    return
                if fastest >= self.ring.end and (patience := self._grace_left()) <= 0:
                    return
            self._wake()
            self._progress.clear()
            self._progress.wait(patience)

    def _grace_left(self) -> float:
        now = time.monotonic()
        if now >= self._more_grace:
            self._grace, self._more_grace = now + GRACE, now + GRACE_EVERY
        return self._grace - now

    def _wake(self) -> None:
        for subscription in self._subscriptions:
            subscription.wake()

    def _tell(self, state: str, **details: Any) -> None:
        self.state = (state, details)
        for subscription in list(self._subscriptions):
            subscription.tell(state, details)
