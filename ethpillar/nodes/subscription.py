"""One socket's interest in a log feed.

Belongs here: where a subscriber is, how it gets from one place to another, and what happens when it is slow. It must
not know how the feed is filled nor what a sink does with an item.

A subscriber is either in the ring, at a sequence number, or in the journal, after a cursor. In the journal it is
served by a journalctl of its own (`nodes.catch_up`), until that comes upon an entry that is in the ring. A backlog that
the ring does not have, a resume after a cursor, and a subscriber that fell out of the ring are all this.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import gevent

from ..errors import EthPillarError, LimitReached, LogUnavailable, SshError, TooManyLogs, whereabouts
from ..journal.reading import After, Last
from ..timing import stop, within
from ..turns import breathe
from .catch_up import CatchUp, LogSink
from .log import SharedLog
from .reader import JournalReader
from .runs import Run
from .states import SUBSCRIBER_TRANSITIONS, Machine, SubscriberState
from .tries import SUBSCRIBER, ReadFailed, Trouble

log = logging.getLogger(__name__)

NOWHERE = -1
"The position of a subscriber that is not in the ring."
CATCH = 5.0
"Seconds that a subscriber at the journal's end waits for the follower before it looks into the journal again."
VERIFY = "The journal's files are damaged. To see which: sudo journalctl --verify"
TOO_SLOW = (
    "The node's disk is too slow for a journal of this size. Make it smaller: sudo journalctl --vacuum-size=1G, and "
    "SystemMaxUse=1G in /etc/systemd/journald.conf"
)
TURN = 2.0
"Seconds for which a subscriber and the follower of its log leave a channel to each other."


class LogSubscription:
    """A greenlet that brings a log's items to a sink, each once and in order, from `start` to `close`.

    It is served from the ring while it keeps up, and from the journal else. An error that ends it goes to
    `LogSink.failed`; after `close` nothing is delivered.
    """

    def __init__(
        self,
        shared: SharedLog,
        sink: LogSink,
        lines: int,
        after: str | None,
        lossless: bool,
        left: Callable[[LogSubscription, bool], bool],
    ) -> None:
        """For `lines`, `after` and `lossless` see `LogFeed.subscribe`.

        :param left: called when it has ended, with what `close` was told; returns False if it had been called before
        """
        self._log = shared
        self._sink = sink
        self._lossless = lossless
        self._left = left
        start = Last(lines) if after is None else After(after, ours=False)
        self._reader = JournalReader(shared.unit, shared.source, start, SUBSCRIBER)
        self._catch_up = CatchUp(shared, self._reader, sink, self._deliver, self._move, lines)
        self._machine = Machine(SubscriberState.STARTING, SUBSCRIBER_TRANSITIONS)
        self.position = NOWHERE
        "Sequence number of the next item in the ring, or `NOWHERE`."
        self._heard: tuple[str, dict[str, Any]] | None = None  # the log's last state that was passed on
        self._passed = 0  # lines in the ring before that position, since the feed began
        self._greenlet: gevent.Greenlet[[], None] | None = None

    @property
    def reach(self) -> int:
        """The sequence number up to which this subscriber needs the ring no more."""
        return sys.maxsize if self._machine.state is SubscriberState.AHEAD else self.position

    @property
    def takes(self) -> bool:
        """Return True if it takes what is next in the ring as soon as it has its turn."""
        served = self._machine.state in (SubscriberState.RING, SubscriberState.LIVE)
        return served and self.position >= self._log.ring.start and self._sink.ready()

    @property
    def wants_channel(self) -> bool:
        """Return True if the subscription can't read the journal because no channel is free."""
        return self._machine.state is SubscriberState.WAITING and self._reader.tries.last is Trouble.ROOM

    @property
    def in_journal(self) -> bool:
        """Return True if the subscription is served from the journal, or would be if a channel were free."""
        return self._machine.state is SubscriberState.JOURNAL or self.wants_channel

    def start(self) -> None:
        """Start delivering."""
        self._greenlet = gevent.spawn(self._run)

    def tell(self, state: str, details: dict[str, Any]) -> None:
        """Pass on the log's state. A subscriber that has not reached the present hears `live` when it does."""
        if self._machine.state is SubscriberState.LIVE or state != "live":
            self._heard = (state, details)
            self._sink.state(state, details)

    def tell_elsewhere(self, where: str) -> None:
        """Tell a subscriber that waits for the log's next line that none will come."""
        if self._machine.state is SubscriberState.LIVE:
            self._sink.elsewhere(where)

    def fail(self, problem: EthPillarError) -> None:
        """End the subscription from the log's side. The sink is told, unless its owner closed it meanwhile."""
        self._stop()
        if self._left(self, False):
            self._sink.failed(about(self._log.service, problem))

    def close(self, may_be_back: bool = False) -> None:
        """End the subscription; nothing is delivered after this returns.

        :param may_be_back: whether the one who had it is only gone, and has not said that it wants no more
        """
        self._left(self, may_be_back)
        self._stop()

    def _stop(self) -> None:
        # It may be its own greenlet that is asked to stop: then it does when it can.
        self._machine.to(SubscriberState.OVER)
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            stop(self._greenlet)

    # -- delivering

    def _run(self) -> None:
        try:
            while not self._log.started:
                self._log.news.wait()
            self._find_place()
            while True:
                if self.position == NOWHERE:
                    self._from_journal()
                else:
                    self._from_ring()
        except EthPillarError as problem:
            gevent.spawn(self.fail, problem)
        except Exception as problem:  # noqa: BLE001
            log.error("A log subscription failed (%s)", whereabouts(problem), extra=self._log.about)
            gevent.spawn(self.fail, LogUnavailable(self._log.service))

    def _find_place(self) -> None:
        ring, start = self._log.ring, self._reader.start
        if isinstance(start, After):
            if (place := self._catch_up.place()) is not None:
                self._move(place)
        elif start.lines is not None and (start.lines <= len(ring) or ring.complete):
            position = max(ring.start, ring.end - start.lines)
            gaps = sum(item.gap is not None for item in ring.slice(position, start.lines))
            self._move(max(ring.start, position - gaps))
            self._remember_place()

    def _move(self, position: int) -> None:
        """Go to a position in the ring."""
        self.position = position
        self._passed = self._log.ring.lines_before(position)
        if self._machine.state is not SubscriberState.LIVE:
            self._machine.to(SubscriberState.RING)
        self._log.progress.fire()  # one that joins at the end takes nothing, and yet nobody has to wait for it

    def _remember_place(self) -> None:
        """Note where to read on, should the ring forget what comes next before the sink can take it."""
        ring = self._log.ring
        if self.position < ring.end:
            item = ring.slice(self.position, 1)[0]
            self._reader.start = After(item.cursor, inclusive=item.gap is None)
        elif len(ring):
            self._reader.start = After(ring.slice(ring.end - 1, 1)[0].cursor)
        else:  # the journal was empty: whatever is in it by then
            self._reader.start = Last(None)

    def _from_ring(self) -> None:
        self._sink.wait_ready()
        ring = self._log.ring
        if self.position < ring.start:
            self._fell_out()
            return
        live = self._machine.state is SubscriberState.LIVE
        if live and self._sink.window and self.position < ring.end:
            self._gather()
        run = ring.run(self.position) if self.position >= ring.start else Run()  # it may have waited above
        if run:
            self._deliver(run)
            self.position += len(run)
            self._passed += run.lines
            if run[-1].gap is not None and self.position >= ring.start:
                self._remember_place()  # the gap was told
            self._log.progress.fire()
            gevent.sleep(0)  # the follower and other subscribers go on
            breathe()
        elif self.position == ring.end and not live:
            self._machine.to(SubscriberState.LIVE)
            if self._log.told is not None and (self._log.told[0] == "live" or self._log.told != self._heard):
                self._sink.state(*self._log.told)
        elif self.position == ring.end:
            ring.forget_runs()
            self._log.news.wait()

    def _gather(self) -> None:
        """Wait until a run is whole, or for a moment that is the same for all, so that they share runs."""
        ring, window = self._log.ring, self._sink.window
        over = (time.monotonic() // window + 1) * window
        while self.position >= ring.start and not ring.run(self.position).whole:
            if (left := over - time.monotonic()) <= 0:
                return
            self._log.news.wait(left)

    def _fell_out(self) -> None:
        ring = self._log.ring
        if self._lossless:
            self.position = NOWHERE
            self._machine.to(SubscriberState.JOURNAL)
            self._catch_up.begin()
            return
        self._log.tally.gaps["slow"] += 1
        self._sink.state("gap", {"reason": "slow", "skipped": ring.lines_before(ring.start) - self._passed})
        self._move(ring.start)

    def _deliver(self, run: Run) -> None:
        gap = run[0].gap
        if gap is None:
            self._log.tally.sent(run.lines, run.size)
            self._sink.lines(run)
        else:
            self._log.tally.gaps[gap.reason] += 1
            self._sink.state("gap", gap.details())
        if self._machine.state is SubscriberState.OVER:
            raise gevent.GreenletExit
        self._reader.start = After(run[-1].cursor)

    # -- from the journal

    def _from_journal(self) -> None:
        """Deliver from the journal until the ring has the rest."""
        self._machine.to(SubscriberState.JOURNAL)
        self._sink.wait_ready()
        self._leave_to_follower()
        if (place := self._catch_up.place()) is not None:
            self._move(place)
            return
        try:
            ahead = self._catch_up.turn()
        except (EthPillarError, ReadFailed) as problem:
            self._try_again(problem)
            return
        if ahead:
            self._await_follower()

    def _leave_to_follower(self) -> None:
        """Let the follower have the channel that it needs."""
        if self._log.follower_waits:
            self._log.returned.fire()
            with within(TURN):
                while self._log.follower_waits:
                    self._log.news.wait()

    def _await_follower(self) -> None:
        """Wait at the journal's end for the follower: it will bring our last entry to the ring."""
        self._machine.to(SubscriberState.AHEAD)
        self._log.progress.fire()
        with within(CATCH):
            while self._catch_up.place() is None:
                self._log.news.wait()

    def _try_again(self, problem: EthPillarError | ReadFailed) -> None:
        """Wait before the next try. Raises the problem if it was one too many of its kind."""
        delay = self._reader.failed(problem)
        if delay is None:
            raise about(self._log.service, problem)
        self._machine.to(SubscriberState.WAITING)
        trouble, attempt = self._reader.tries.last, self._reader.attempt
        if trouble is Trouble.ROOM or attempt > 1:  # else it is over in a moment, or everybody is told of it
            self._sink.state("reconnecting", {"attempt": attempt, "retry_in": round(delay, 3)})
        self._log.progress.fire()
        if trouble is Trouble.ROOM:
            if attempt > 1:
                self._log.borrow()
            self._log.lent.wait(delay)
        else:
            self._log.source.wait_connected()
            gevent.sleep(delay)


_HINTS = {Trouble.DAMAGE: VERIFY, Trouble.SLOW: TOO_SLOW}


def about(service: str, problem: EthPillarError | ReadFailed) -> EthPillarError:
    """Return what stands against one log as an error about its service: that is how a page knows where to show it."""
    if isinstance(problem, ReadFailed):
        return LogUnavailable(service, hint=_HINTS.get(problem.trouble))
    if isinstance(problem, LimitReached):
        return TooManyLogs(service)
    return LogUnavailable(service, hint=problem.message) if isinstance(problem, SshError) else problem
