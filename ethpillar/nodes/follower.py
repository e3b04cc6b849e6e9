"""The follower: reads a unit's journal, once for all subscribers, into the ring.

Belongs here: when it reads without following and when it follows, what it does when the stream ends, and when it lends
its channel. It must not know how an item is made, nor when the ring has room for it.

First it reads what there is (the backlog, or after a break everything after the last entry), which ends by itself and
so tells the last cursor there is. Then it follows from that cursor, that entry itself included, and drops the equal
entry. So what is in the ring is contiguous, and begins and ends at known places.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import gevent

from ..errors import EthPillarError, UnitNotFound, whereabouts
from ..journal.boots import doubtful
from ..journal.complaint import shows_damage
from ..journal.cursor import time_of
from ..journal.detour import FIRST_LEAP
from ..journal.entry import Entry
from ..journal.reading import After, Last, Reading, Verdict
from ..journal.steps import Gap
from ..timing import stop, within
from .intake import Intake, Lend
from .items import Item
from .log import SharedLog
from .reader import JournalReader
from .source import EntryStream
from .states import FEED_TRANSITIONS, FeedState, Machine
from .subscription import TURN, LogSubscription, about
from .tries import BEGUN, FOLLOWED, NEW, ReadFailed, Trouble

log = logging.getLogger(__name__)

BACKLOG = 50
"Entries that the follower itself starts with; a subscriber that wants more gets it from the journal."
STEADY = 10.0
"Seconds after which a journal that was followed, and had nothing to tell, was a good one."
BEGINS = 3.0
"""Seconds within which a followed journal shows the entry at its cursor. From systemd 251 on it shows only the current
boot, and so may rightly show nothing; after that it counts as live."""
SILENT, LONG_SILENT = 15.0, 600.0
"""Seconds without an entry after which the journal is asked whether there is one: at first, and at most, as each answer
doubles them. A journalctl that began before there was a /var/log/journal never sees what is written there."""
ON_ITS_WAY = 1.0
"Seconds in which an entry that the journal has may still come: it may have been written at the moment of asking."


class Follower:
    """Reads the journal of one unit in a greenlet of its own, until it is closed or gives up."""

    def __init__(
        self,
        shared: SharedLog,
        subscriptions: Collection[LogSubscription],
        tell: Callable[..., None],
        fail: Callable[[EthPillarError], None],
    ) -> None:
        """
        :param subscriptions: those of the log at each moment
        :param tell: tells all of them a state and its details
        :param fail: tells all of them that the log has ended
        """
        self._log = shared
        self._subscriptions = subscriptions
        self._tell = tell
        self._fail = fail
        self._machine = Machine(FeedState.STARTING, FEED_TRANSITIONS)
        self._reader = JournalReader(shared.unit, shared.source, Last(BACKLOG), NEW)
        self._intake = Intake(shared, self._reader, subscriptions)
        self._stream: EntryStream | None = None
        "The journalctl that follows, while it does."
        self._lending = False
        "True if a subscriber has asked for its channel."
        self._silence = SILENT
        self._waits = False
        "True if it waits for an entry, and not for its subscribers."
        shared.borrow = self.lend
        self._greenlet = gevent.spawn(self._run)

    @property
    def state(self) -> str:
        """Its state, in a word for metrics."""
        return self._machine.state.name.lower()

    @property
    def over(self) -> bool:
        """Return True if the follower will read nothing more."""
        return self._machine.state is FeedState.OVER or bool(self._greenlet.dead)

    def close(self) -> None:
        """End it, and wait until it has ended."""
        stop(self._greenlet)
        self._machine.to(FeedState.OVER)

    def _run(self) -> None:
        while not self.over:
            try:
                if self._machine.state is FeedState.LENT:
                    self._leave_channel()
                self._log.source.wait_connected()
                self._read()
            except Lend:
                self._machine.to(FeedState.LENT)
            except Exception as problem:  # noqa: BLE001
                self._failed(problem)

    # -- lending

    def lend(self) -> None:
        """Close the channel on which the journal is followed, so that a subscriber can read. The follower goes on soon.

        What comes meanwhile is in the journal.
        """
        if self._stream is not None and self._machine.state is FeedState.LIVE and not self._lending:
            self._lending = True
            self._stream.close()

    def _leave_channel(self) -> None:
        """Leave the channel to the subscribers that need one, until they have had their turn."""
        self._log.lent.fire()
        self._intake.put_pending()
        with within(TURN):
            while any(each.in_journal for each in self._subscriptions):
                self._log.progress.wait()
        if any(each.in_journal for each in self._subscriptions):
            self._log.follower_waits = True
            self._log.returned.wait(TURN)

    # -- failing

    def _failed(self, problem: Exception) -> None:
        if not isinstance(problem, EthPillarError | ReadFailed):
            said = "Following a log failed (%s); it goes on after its last entry"
            log.error(said, whereabouts(problem), extra=self._log.about)
        delay = self._reader.failed(problem)
        if delay is None and isinstance(problem, EthPillarError | ReadFailed):
            self._machine.to(FeedState.OVER)  # before anybody is told, which takes turns
            self._fail(about(self._log.service, problem))
            return
        self._pause(delay or 0.0)

    def _pause(self, delay: float) -> None:
        self._machine.to(FeedState.RECONNECTING)
        self._tell("reconnecting", attempt=self._reader.attempt, retry_in=round(delay, 3))
        self._log.follower_waits = self._reader.tries.last is Trouble.ROOM
        if self._log.follower_waits:
            self._log.returned.wait(delay)
        else:
            gevent.sleep(delay)

    # -- reading

    def _read(self) -> None:
        """Catch up, then follow. Raises when the stream has ended."""
        self._machine.to(FeedState.CATCHING_UP if self._log.started else FeedState.STARTING)
        self._describe()
        asking = gevent.spawn(self._log.source.boot)  # meanwhile, as it is needed at the backlog's end
        try:
            self._catch_up()
        finally:
            stop(asking)
        while not self._follow():
            # What lies between is read without following. That helps once: the next entry is one that is shown.
            if self._reader.tries.count(Trouble.PLACE):
                raise ReadFailed(Trouble.PLACE)
            self._reader.tries.failed(Trouble.PLACE)
            self._machine.to(FeedState.CATCHING_UP)
            self._catch_up()

    def _describe(self) -> None:
        try:
            self._log.description = self._log.source.check_unit(self._log.unit)
        except UnitNotFound:  # one that is being replaced may be away for a moment, and its journal is there
            if not self._log.started:
                raise
        self._intake.describe(self._log.description)

    def _catch_up(self) -> None:
        """Read what the journal has by now, without following: the backlog at first, then what came since."""
        backlog: list[Entry] = []
        start = self._reader.start
        last = start.cursor if isinstance(start, After) else None
        with self._reader.open() as (reading, stream):
            found = None
            while found is None and (entries := stream.read()):
                if shows_damage(stream.complaint(), since_us=reading.since_us) or doubtful(entries, last) is not None:
                    found = Verdict.DAMAGED
                    break
                new, gap = reading.take(entries)
                last = entries[-1].cursor
                if gap is not None:
                    found = Verdict.DAMAGED  # or vacuumed: that is found out
                elif self._log.started:
                    self._intake.append(new)
                else:
                    backlog += new  # perhaps it is a part of it: the ring must not begin in the middle
            found = found or self._reader.judge(reading, stream)
        if found is Verdict.DAMAGED or self._reader.misses_boot(last):
            self._go_round()
            return
        if not self._log.started:
            self._begin(backlog, complete=stream.count < BACKLOG)
        if not reading.begun:
            self._empty(reading, found)

    def _go_round(self) -> None:
        """Read what there is by now, round what can't be read."""
        runs = self._reader.go_round()
        if not self._log.started:
            runs = iter(list(runs))  # the backlog, of which the ring must not begin in the middle
        for entries, gap in runs:
            self._intake.append(entries, gap)
        self._log.in_doubt = self._reader.in_doubt
        if not self._log.started:
            self._begin((), complete=False)
        if self._reader.dead_end is not None:
            known = time_of(self._reader.dead_end) or 0
            leap = FIRST_LEAP * 8 ** min(self._reader.tries.count(Trouble.DAMAGE), 12)
            self._reader.tries.failed(Trouble.DAMAGE)
            self._reader.start = After(f"t={known + leap:x}", gone=True)

    def _begin(self, backlog: Sequence[Entry], complete: bool) -> None:
        self._log.ring.complete = complete
        self._intake.append(backlog)
        self._log.started = True
        self._reader.tries.tolerance = BEGUN
        self._machine.to(FeedState.CATCHING_UP)
        self._log.news.fire()

    def _empty(self, reading: Reading, found: Verdict) -> None:
        """Take note that the journal has nothing from the start on."""
        start, self._reader.start = self._reader.start, reading.emptied()
        if found is Verdict.NO_CURSOR and isinstance(start, After):
            gap = Gap(time_of(start.cursor), None)
            self._intake.put([Item(start.cursor, gap.from_us or 0, b"", 0, gap)])

    def _follow(self) -> bool:
        """Follow from the last entry on. Return False if the stream did not begin there; raise when it has ended."""
        began = time.monotonic()
        boot = self._reader.only_boot()
        last = self._reader.start.cursor if isinstance(self._reader.start, After) and boot is None else None
        with self._reader.open(follow=True, boot=boot) as (reading, stream):
            if not reading.owed:
                self._live()
            soon = gevent.spawn_later(BEGINS, self._live)
            watch = gevent.spawn(self._watch, stream)
            self._stream, self._lending = stream, False
            try:
                while entries := self._next(stream):
                    new, gap = reading.take(entries)
                    if gap is not None or doubtful(new, last) is not None:
                        return False
                    self._live()
                    if new:
                        self._silence = SILENT
                        self._reader.succeeded()  # not when it catches up: so does one that can't be followed
                    self._intake.append(new)
            finally:
                self._stream = None
                soon.kill()
                stop(watch)
            if self._lending:
                raise Lend
            if time.monotonic() - began > STEADY:
                self._reader.succeeded()
            raise ReadFailed(Trouble.LINK if stream.status() < 0 else Trouble.JOURNAL)

    def _next(self, stream: EntryStream) -> list[Entry]:
        self._waits = True
        try:
            return stream.read()
        finally:
            self._waits = False

    def _watch(self, stream: EntryStream) -> None:
        """Look into it while a journalctl that follows is silent: close it if the journal has more entries, and tell
        everyone if the unit prints elsewhere by now."""
        while True:
            count = stream.count
            gevent.sleep(self._silence)
            if stream.count != count or not self._waits:
                continue
            self._silence = min(2 * self._silence, LONG_SILENT)
            with suppress(EthPillarError, ReadFailed):
                if self._reader.is_behind():
                    gevent.sleep(ON_ITS_WAY)
                    if stream.count == count and self._waits:
                        stream.close()
                        return
                elif where := self._log.source.elsewhere(self._log.unit, self._log.ring.printed_us):
                    for subscription in list(self._subscriptions):
                        subscription.tell_elsewhere(where)

    def _live(self) -> None:
        if self._machine.state is FeedState.LIVE:
            return
        self._machine.to(FeedState.LIVE)
        self._reader.tries.tolerance = FOLLOWED
        self._log.follower_waits = False
        self._log.news.fire()
        if self._log.told is None or self._log.told[0] != "live":
            self._tell("live")
