"""The states of a node's units, asked for once for everybody.

Belongs here: the one poll that is under way, and the subscriptions that tick at their own intervals and share it. It
must not know how a command gets to the node.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import gevent
from gevent.event import Event

from ..errors import EthPillarError, StatusUnavailable, whereabouts
from ..units import KNOWN_UNITS, UnitStatus, parse_show, show_command, unit_name
from .failures import Failures

log = logging.getLogger(__name__)

FRESH = 0.9
"""A state is shared while it is younger than this part of the shortest interval: ticks are never exact, and with a
whole interval each second tick of a lone subscriber would be served a stale state."""
AT_ONCE = 1.0
"Seconds: a new subscriber's first update may be as old as this."
RECENT = 5.0
"Seconds: the state of a unit whose log is wanted may be as old as this."
OWED = 0.2
"Seconds between looks at a receiver that did not take its last update."
SETTLE = 0.3
"Seconds to wait after systemd wrote about a unit: it writes several lines, and the last one counts."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one poll found."""

    taken: float
    "`time.monotonic()` when the poll was sent."
    units: dict[str, UnitStatus]
    data: str
    "The update as the gateway encoded it, once for all."


class StatusSink(Protocol):
    """Where updates go."""

    def ready(self) -> bool:
        """Whether the receiver keeps up. What it can't take now comes when it can, unless it is replaced meanwhile."""

    def status(self, snapshot: Snapshot) -> None:
        """An update."""

    def status_failed(self, error: EthPillarError) -> None:
        """The first of a row of failed polls."""


class StatusFeed:
    """Polls on demand; owns the greenlet of the poll under way."""

    def __init__(
        self,
        run: Callable[[Sequence[str]], tuple[int, bytes]],
        encode: Callable[[Sequence[UnitStatus]], str],
        last_lines: Callable[[str], Sequence[str]],
    ) -> None:
        """
        :param run: runs words on the node; exit status and output. May raise `SshError`.
        :param encode: the statuses of an update as they will be sent
        :param last_lines: what a unit printed before its last failure; raises nothing
        """
        self._run = run
        self._failures = Failures(last_lines)
        self._encode = encode
        self._units = [name for name in map(unit_name, KNOWN_UNITS) if name]
        self._wanted: set[str] = set()  # other units that the next poll asks for as well, once
        self._latest: Snapshot | None = None
        self._poll: gevent.Greenlet[[], Snapshot | EthPillarError] | None = None
        self._refresh: gevent.Greenlet[[], None] | None = None
        self.subscriptions: set[StatusSubscription] = set()

    @property
    def shortest(self) -> float:
        """Seconds of the shortest interval that anybody asked for."""
        return min((subscription.interval for subscription in self.subscriptions), default=AT_ONCE)

    def get(self, max_age: float) -> Snapshot:
        """A snapshot no older than this. Those who ask while a poll is under way share it.

        :param max_age: seconds
        :raises SshError, StatusUnavailable: the poll failed
        """
        latest = self._latest
        if self._poll is None and latest is not None and time.monotonic() - latest.taken < max_age:
            return latest
        if self._poll is None:
            self._poll = gevent.spawn(self._ask)
        found = self._poll.get()
        if isinstance(found, Snapshot):
            return found
        raise StatusUnavailable if not isinstance(found, EthPillarError) else found

    def unit(self, unit: str) -> UnitStatus:
        """The status of any unit, known to EthPillar or not; a few seconds old at most. Raises as `get`."""
        for _ in range(2):  # a poll that is under way may not ask for it, the next one does
            latest = self._latest
            if latest is None or unit not in latest.units or time.monotonic() - latest.taken > RECENT:
                self._wanted.add(unit)
                latest = self.get(0.0)
            if unit in latest.units:
                return latest.units[unit]
        raise StatusUnavailable

    def _ask(self) -> Snapshot | EthPillarError:
        # Returns its error: a greenlet that raises is printed as a stack trace.
        others, self._wanted = self._wanted.difference(self._units), set()
        units = [*self._units, *others]
        try:
            taken = time.monotonic()
            status, output = self._run(show_command(units))
            if status != 0:
                return StatusUnavailable()
            found = parse_show(units, output)
            known = self._failures.noticed_in(found[: len(self._units)])
            by_unit = {status.unit: status for status in [*known, *found[len(known) :]]}
            self._latest = Snapshot(taken, by_unit, self._encode(known))
            return self._latest
        except ValueError:
            return StatusUnavailable()
        except EthPillarError as problem:
            return problem
        except Exception as problem:  # noqa: BLE001
            log.error("A status poll failed (%s)", whereabouts(problem))
            return StatusUnavailable()
        finally:
            self._poll = None

    def refresh(self) -> None:
        """Asks soon, on top of the intervals, and tells every subscription. Calls that fall together are one."""
        if self._refresh is None and self.subscriptions:
            self._refresh = gevent.spawn_later(SETTLE, self._refresh_now)

    def _refresh_now(self) -> None:
        self._refresh = None
        if self._poll is not None:
            gevent.wait([self._poll])  # what it says may be older than the change
        try:
            self.get(0.0)
        except EthPillarError:
            return
        for subscription in list(self.subscriptions):
            subscription.wake()

    def subscribe(self, sink: StatusSink, interval: float) -> StatusSubscription:
        """Updates for a sink: one at once, then one for each interval, in seconds."""
        subscription = StatusSubscription(self, sink, interval)
        self.subscriptions.add(subscription)
        return subscription

    def close(self) -> None:
        """Ends everything."""
        for subscription in list(self.subscriptions):
            subscription.close()
        for greenlet in (self._poll, self._refresh):
            if greenlet is not None:
                greenlet.kill()


class StatusSubscription:
    """One subscriber's ticks, in a greenlet of its own."""

    def __init__(self, feed: StatusFeed, sink: StatusSink, interval: float) -> None:
        self._feed = feed
        self._sink = sink
        self.interval = interval
        "Seconds."
        self._woken = Event()
        self._failing = False
        self._owed: Snapshot | None = None
        self._closed = False
        self._greenlet = gevent.spawn(self._run)

    def wake(self) -> None:
        """Something changed: an update now, without moving the ticks."""
        self._woken.set()

    def _run(self) -> None:
        tick = time.monotonic()
        max_age = AT_ONCE
        while not self._closed:
            self._update(max_age)
            now = time.monotonic()
            if now >= tick:
                tick += self.interval * (1 + (now - tick) // self.interval)
            self._woken.clear()
            woken = self._wait_until(tick)
            max_age = self.interval if woken else self._feed.shortest * FRESH

    def _wait_until(self, tick: float) -> bool:
        """Waits for the tick; True when it was woken before."""
        while (left := tick - time.monotonic()) > 0 and not self._closed:
            if self._woken.wait(left if self._owed is None else min(left, OWED)):
                return True
            if self._owed is not None and self._sink.ready():
                self._sink.status(self._owed)
                self._owed = None
        return False

    def _update(self, max_age: float) -> None:
        try:
            snapshot = self._feed.get(max_age)
        except EthPillarError:  # whatever it is (the node, no room for a command, Redis for a login) may be over soon
            if not self._failing:
                self._sink.status_failed(StatusUnavailable())
            self._failing, self._owed = True, None
            return
        self._failing = False
        if self._sink.ready():
            self._owed = None
            self._sink.status(snapshot)
        else:
            self._owed = snapshot

    def close(self) -> None:
        """Stops the ticks and waits until they have stopped."""
        self._feed.subscriptions.discard(self)
        self._closed = True  # it may be its own greenlet that closes it
        if self._greenlet is not gevent.getcurrent():
            self._greenlet.kill()
